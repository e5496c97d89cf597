/* reading.js - the reading page. `facts` is what reading.c wrote; `state` is what the reader did, kept
 * in the browser under the page's key. Drawing goes one way: an action changes state or view, then
 * show() draws the current image again. */
(function () {
  'use strict';
  var facts = JSON.parse(document.getElementById('facts').textContent), items = facts.items, classes = facts.classes;
  var view = {at: 0, order: facts.programFirst ? 'suspicion' : 'given', zoom: 1, x: 0, y: 0, brightness: 0, contrast: 1, map: -1, opacity: 0.45};
  var stored = false, exported = true;

  /* ---- state: {reader, read: {number: {first, second, shown}}}; a verdict is {verdict, score, note, at, ordered} */
  function load() {
    try {
      var text = localStorage.getItem(facts.key), probe = facts.key + '.probe';
      localStorage.setItem(probe, '1');
      localStorage.removeItem(probe);
      stored = true;
      if (text) return JSON.parse(text);
    } catch (e) { /* no storage, or damaged: begin anew */ }
    return {reader: '', read: {}};
  }
  var state = load();
  function save() {
    exported = false;
    try { localStorage.setItem(facts.key, JSON.stringify(state)); } catch (e) { stored = false; }
  }
  function record(i) { return state.read[i] || (state.read[i] = {}); }
  function isShown(i) { return facts.programFirst || !!(state.read[i] && state.read[i].first); }
  function isDone(i) { var r = state.read[i]; return !!(r && (facts.programFirst ? r.second : r.first)); }
  /* File names often tell the class: the reader sees them afterwards. */
  function nameOf(i) { return isShown(i) ? items[i].name : 'image ' + (i + 1); }
  function doneCount() { return items.filter(function (_, i) { return isDone(i); }).length; }
  function now() { return new Date().toISOString(); }

  /* ---- small helpers */
  function make(tag, attributes, children) {
    var e = document.createElement(tag);
    Object.keys(attributes || {}).forEach(function (k) {
      if (k.slice(0, 2) === 'on') e.addEventListener(k.slice(2), attributes[k]);
      else if (k === 'text') e.textContent = attributes[k];
      else if (attributes[k] === true) e.setAttribute(k, '');
      else if (attributes[k] !== false && attributes[k] !== null) e.setAttribute(k, attributes[k]);
    });
    (children || []).forEach(function (c) { if (c) e.appendChild(c); });
    return e;
  }
  function jpeg(base64) { return 'data:image/jpeg;base64,' + base64; }
  function percent(p) { return (100 * p).toFixed(0) + ' %'; }
  function byId(id) { return document.getElementById(id); }

  /* ---- order of the list */
  var order = [];
  function sortList() {
    order = items.map(function (_, i) { return i; });
    if (view.order === 'suspicion')
      order.sort(function (a, b) { return items[b].p[facts.positive] - items[a].p[facts.positive] || a - b; });
  }
  /* The order tells what the program thinks of images that were not read yet. */
  function orderTells() { return view.order === 'suspicion' && !facts.programFirst; }

  /* ---- frame, made once */
  var list, stage, layer, picture, canvas, panel, status;
  function tool(label, input) { return make('label', {text: label + ' '}, [input]); }
  function range(id, min, max, step, value, change) {
    return make('input', {type: 'range', id: id, min: min, max: max, step: step, value: value, oninput: change});
  }
  function build() {
    var app = byId('app');
    list = make('ol', {'class': 'list', id: 'list', 'aria-label': 'Images'});
    picture = make('img', {id: 'picture', alt: '', draggable: 'false'});
    canvas = make('canvas', {id: 'map', role: 'img'});
    layer = make('div', {'class': 'layer'}, [picture, canvas]);
    stage = make('div', {'class': 'stage', id: 'stage', tabindex: '0', role: 'group', 'aria-label': 'Picture: plus and minus zoom, drag moves, 0 resets'}, [layer]);
    panel = make('div', {'class': 'panel', id: 'panel'});
    status = make('span', {id: 'status', role: 'status', 'aria-live': 'polite'});
    app.appendChild(make('div', {'class': 'bar'}, [
      tool('Reader', make('input', {type: 'text', id: 'reader', size: '12', value: state.reader, oninput: function (e) { state.reader = e.target.value; save(); }})),
      tool('Order', make('select', {id: 'order', onchange: function (e) { view.order = e.target.value; sortList(); drawList(); show(); }}, [
        make('option', {value: 'given', text: 'as given', selected: view.order === 'given'}),
        make('option', {value: 'suspicion', text: facts.programFirst ? 'by suspicion' : 'by suspicion (gives the program away)', selected: view.order === 'suspicion'})])),
      make('button', {id: 'previous', text: '\u2190 Previous (P)', onclick: function () { step(-1); }}),
      make('button', {id: 'next', text: 'Next (N) \u2192', onclick: function () { step(1); }}),
      make('button', {id: 'export', 'class': 'main', text: 'Save verdicts (CSV)', onclick: exportCsv}),
      status]));
    app.appendChild(list);
    app.appendChild(make('section', {'class': 'view', 'aria-label': 'Image'}, [
      stage,
      make('div', {'class': 'tools'}, [
        tool('Brightness', range('brightness', -0.5, 0.5, 0.01, 0, function (e) { view.brightness = +e.target.value; drawWindow(); })),
        tool('Contrast', range('contrast', 0.2, 4, 0.05, 1, function (e) { view.contrast = +e.target.value; drawWindow(); })),
        make('button', {id: 'zoomout', text: '\u2212', 'aria-label': 'Zoom out', onclick: function () { zoomBy(1 / 1.25); }}),
        make('button', {id: 'zoomin', text: '+', 'aria-label': 'Zoom in', onclick: function () { zoomBy(1.25); }}),
        make('button', {id: 'reset', text: 'Reset view (0)', onclick: resetView}),
        make('span', {id: 'mapbox'}, [
          tool('Map (M)', make('select', {id: 'mapname', onchange: function (e) { view.map = +e.target.value; drawMap(); }})),
          document.createTextNode(' '),
          tool('Opacity', range('opacity', 0, 1, 0.05, view.opacity, function (e) { view.opacity = +e.target.value; drawMap(); }))])]),
      make('p', {'class': 'note', id: 'mapnote'}),
      make('p', {'class': 'note', id: 'facts-of-image'})]));
    app.appendChild(panel);
    document.body.insertAdjacentHTML('beforeend', '<svg width="0" height="0" style="position:absolute" aria-hidden="true"><filter id="window" color-interpolation-filters="sRGB">' +
      '<feComponentTransfer><feFuncR type="linear"/><feFuncG type="linear"/><feFuncB type="linear"/></feComponentTransfer></filter></svg>');
    picture.style.filter = 'url(#window)';
  }

  /* ---- list */
  var buttons = [];
  function drawList() {
    list.textContent = '';
    buttons = [];
    order.forEach(function (i) {
      var button = make('button', {'data-item': i, onclick: function () { go(i); }}, [
        make('img', {src: jpeg(items[i].thumbnail), alt: '', loading: 'lazy', decoding: 'async'}),
        make('div', {}, [make('span', {'class': 'name'}), make('span', {'class': 'said'}), make('span', {'class': 'flag'})])]);
      buttons[i] = button;
      list.appendChild(make('li', {}, [button]));
      drawRow(i);
    });
  }
  function drawRow(i) {
    var said = [], r = state.read[i] || {}, item = items[i], button = buttons[i];
    if (r.first) said.push(r.first.verdict);
    if (r.second) said.push((r.first ? '\u2192 ' : '') + r.second.verdict);
    button.querySelector('.name').textContent = nameOf(i);
    button.querySelector('.said').textContent = said.join(' ') || 'not read';
    button.querySelector('.flag').textContent = !isShown(i) ? '' :
      classes[facts.positive] + ' ' + percent(item.p[facts.positive]) + (item.abstain ? ', abstains' : '');
    if (i === view.at) button.setAttribute('aria-current', 'true'); else button.removeAttribute('aria-current');
  }

  /* ---- picture */
  function drawWindow() {
    document.querySelectorAll('#window feComponentTransfer > *').forEach(function (f) {
      f.setAttribute('slope', view.contrast);
      f.setAttribute('intercept', 0.5 * (1 - view.contrast) + view.brightness);
    });
    byId('brightness').value = view.brightness;
    byId('contrast').value = view.contrast;
  }
  function drawZoom() { layer.style.transform = 'translate(' + view.x + 'px,' + view.y + 'px) scale(' + view.zoom + ')'; }
  function zoomBy(factor, cx, cy) {
    var zoom = Math.min(12, Math.max(1, view.zoom * factor)), box = stage.getBoundingClientRect();
    if (cx === undefined) { cx = box.width / 2; cy = box.height / 2; }
    view.x = cx - (cx - view.x) * zoom / view.zoom;
    view.y = cy - (cy - view.y) * zoom / view.zoom;
    view.zoom = zoom;
    if (zoom === 1) view.x = view.y = 0;
    drawZoom();
  }
  function resetView() {
    view.zoom = 1; view.x = view.y = 0; view.brightness = 0; view.contrast = 1;
    drawZoom(); drawWindow();
  }
  function listenToStage() {
    var from = null;
    stage.addEventListener('wheel', function (e) {
      var box = stage.getBoundingClientRect();
      e.preventDefault();
      zoomBy(e.deltaY < 0 ? 1.15 : 1 / 1.15, e.clientX - box.left, e.clientY - box.top);
    }, {passive: false});
    stage.addEventListener('pointerdown', function (e) { from = {x: e.clientX - view.x, y: e.clientY - view.y}; try { stage.setPointerCapture(e.pointerId); } catch (x) { /* no such pointer */ } });
    stage.addEventListener('pointermove', function (e) {
      if (!from || view.zoom === 1) return;
      view.x = e.clientX - from.x; view.y = e.clientY - from.y;
      drawZoom();
    });
    ['pointerup', 'pointercancel'].forEach(function (t) { stage.addEventListener(t, function () { from = null; }); });
  }

  /* ---- maps: dark violet to yellow with even steps of lightness (viridis) */
  var ramp = facts.ramp;
  function colourOf(v) {
    var at = v / 255 * (ramp.length - 1), k = Math.min(ramp.length - 2, Math.floor(at)), f = at - k;
    return [0, 1, 2].map(function (c) { return ramp[k][c] + f * (ramp[k + 1][c] - ramp[k][c]); });
  }
  function drawMap() {
    var item = items[view.at], map = isShown(view.at) ? item.maps[view.map] : null, g = canvas.getContext('2d');
    canvas.width = item.width; canvas.height = item.height;
    canvas.style.opacity = view.opacity;
    canvas.hidden = byId('mapnote').hidden = !map;
    if (!map) return;
    canvas.setAttribute('aria-label', 'Map of the model, not part of the picture: ' + map.name + '. ' + (map.warning || ''));
    byId('mapnote').textContent = 'Map: ' + map.name + '. Yellow is where the evidence for it is strongest, dark violet where there is none. ' + (map.warning || '');
    var bytes = atob(map.values), small = make('canvas', {width: map.width, height: map.height}), s = small.getContext('2d'), data = s.createImageData(map.width, map.height);
    for (var i = 0; i < bytes.length; i++) {
      var v = bytes.charCodeAt(i), c = colourOf(v);
      data.data[4 * i] = c[0]; data.data[4 * i + 1] = c[1]; data.data[4 * i + 2] = c[2]; data.data[4 * i + 3] = 255;
    }
    s.putImageData(data, 0, 0);
    g.imageSmoothingEnabled = true;
    g.drawImage(small, 0, 0, item.width, item.height);
  }
  function drawMapNames() {
    var select = byId('mapname'), maps = items[view.at].maps;
    byId('mapbox').hidden = !maps.length || !isShown(view.at);
    if (view.map >= maps.length) view.map = -1;
    select.textContent = '';
    select.appendChild(make('option', {value: '-1', text: 'none'}));
    maps.forEach(function (m, k) { select.appendChild(make('option', {value: k, text: m.name})); });
    select.value = view.map;
  }
  function toggleMap() {
    if (!isShown(view.at) || !items[view.at].maps.length) return;
    view.map = view.map < 0 ? 0 : -1;
    drawMapNames(); drawMap();
  }

  /* ---- verdicts */
  function chosen() { var c = panel.querySelector('input[name=verdict]:checked'); return c ? c.value : null; }
  function suspicion() { var s = byId('score'); return s && s.dataset.touched ? +s.value : null; }
  function verdictFields(old) {
    return make('div', {}, [
      make('fieldset', {}, [make('legend', {text: 'This looks'})].concat(classes.map(function (c, k) {
        return make('label', {'class': 'pick'}, [make('input', {type: 'radio', name: 'verdict', value: c, checked: !!old && old.verdict === c}), document.createTextNode(' ' + c + ' (' + (k + 1) + ')')]);
      }))),
      make('p', {}, [make('label', {text: 'Suspicion 0 to 100, if you want to give one '}, [make('input', {type: 'range', id: 'score', min: 0, max: 100, value: 50, oninput: function (e) {
        e.target.dataset.touched = '1';
        byId('scoretext').textContent = e.target.value;
      }})]), make('output', {id: 'scoretext', 'for': 'score', text: '\u2013'})])]);
  }
  function tell(text) { status.textContent = text; }
  function lock() {
    var verdict = chosen();
    if (isShown(view.at)) return;
    if (!verdict) { tell('Choose a class first.'); return; }
    var r = record(view.at);
    r.first = {verdict: verdict, score: suspicion(), at: now(), ordered: orderTells()};
    r.shown = now();
    save(); show();
    tell('Locked: ' + verdict + '.');
  }
  function conclude(verdict, agrees) {
    var r = record(view.at), note = byId('note');
    if (!isShown(view.at) || r.second) return;
    if (!verdict) { tell('Choose a class first.'); return; }
    r.second = {verdict: verdict, score: suspicion(), note: note ? note.value : '', at: now(), agrees: agrees};
    save(); show();
    tell((agrees ? 'Agreed: ' : 'Disagreed: ') + verdict + '.');
  }
  function agree() { if (isShown(view.at)) conclude(classes[items[view.at].top], true); }
  /* Opens the second verdict; saved by its own button, so that the note can be written. */
  function disagree() {
    if (!isShown(view.at) || record(view.at).second || byId('note')) return;
    byId('second').replaceWith(make('div', {id: 'second'}, [
      verdictFields(record(view.at).first),
      make('label', {'for': 'note', text: 'Why (a note, if you want)'}), make('textarea', {id: 'note'}),
      make('button', {id: 'keep', 'class': 'main', text: 'Save this verdict (Ctrl+Enter)', onclick: function () { conclude(chosen(), chosen() === classes[items[view.at].top]); }})]));
    byId('note').focus();
  }

  /* ---- panel */
  function programRows(item) {
    return make('table', {}, [make('tbody', {}, classes.map(function (c, k) {
      return make('tr', {'class': k === item.top ? 'top' : null}, [
        make('th', {scope: 'row', text: c}), make('td', {text: percent(item.p[k])}),
        make('td', {text: facts.members > 1 ? percent(item.low[k]) + ' to ' + percent(item.high[k]) : ''}),
        make('td', {}, [make('div', {'class': 'scale', 'aria-hidden': 'true'}, [
          make('i', {style: 'left:' + 100 * item.low[k] + '%;width:' + 100 * (item.high[k] - item.low[k]) + '%'}), make('b', {style: 'left:calc(' + 100 * item.p[k] + '% - 1px)'})])])]);
    }))]);
  }
  function neighbours(item) {
    if (!item.neighbours.length) return null;
    return make('div', {}, [make('p', {'class': 'note', text: 'Nearest training images (distance); likeness to the network, not to an eye'}),
      make('ul', {'class': 'near'}, item.neighbours.map(function (n) {
        return make('li', {title: n.sha256}, [n.picture ? make('img', {src: jpeg(n.picture), alt: 'training image, ' + n['class']}) : make('span', {'class': 'none', text: n.sha256.slice(0, 8)}),
          document.createTextNode(n['class'] + ' (' + n.distance.toFixed(3) + ')')]);
      }))]);
  }
  function programCard(item) {
    var facts_ = [];
    if (facts.members > 1) facts_.push(Math.round(item.agreement * facts.members) + ' of ' + facts.members + ' members find it most probable');
    if (item.quality !== null) facts_.push('picture quality ' + item.quality.toFixed(2));
    if (item.distance !== null) facts_.push('distance from the training images ' + item.distance.toFixed(3) + ' (limit ' + item.limit.toFixed(3) + ')');
    return make('section', {'class': 'card', id: 'program', 'aria-label': 'The program'}, [
      make('h2', {text: 'The program: looks most like ' + classes[item.top]}),
      item.abstain ? make('p', {'class': 'warn', id: 'abstain', text: 'It abstains: ' + item.abstain + '. Do not lean on these figures.'}) : null,
      item.seen ? make('p', {'class': 'warn', text: 'The model was trained on this very image: these figures mean nothing.'}) : null,
      programRows(item),
      make('p', {'class': 'note', text: 'Calibrated probability' + (facts.members > 1 ? '; range over the ' + facts.members + ' ensemble members, which is no confidence interval' : '') + '.'}),
      make('p', {'class': 'note', text: facts_.join('; ') + (facts_.length ? '.' : '')}),
      neighbours(item),
      facts.lacks ? make('p', {'class': 'note', text: facts.lacks}) : null]);
  }
  function said(v) { return v.verdict + (v.score === null ? '' : ', suspicion ' + v.score) + ', ' + v.at.replace('T', ' ').slice(0, 19) + ' UTC'; }
  function verdictCard(r) {
    var body;
    if (!isShown(view.at))
      body = [verdictFields(null), make('button', {id: 'lock', 'class': 'main', text: 'Lock verdict, then show the program (Enter)', onclick: lock})];
    else
      body = [r.first ? make('p', {id: 'first', text: 'Yours, unaided (locked): ' + said(r.first)}) : null,
        r.second ? make('p', {id: 'second', text: 'After the program: ' + said(r.second) + (r.second.note ? '. Note: ' + r.second.note : '')})
          : make('div', {id: 'second'}, [make('button', {id: 'agree', text: 'Agree (A)', onclick: agree}), document.createTextNode(' '),
            make('button', {id: 'disagree', text: 'Disagree (D)', onclick: disagree})])];
    return make('section', {'class': 'card', id: 'verdict', 'aria-label': 'Your verdict'}, [make('h2', {text: 'Your verdict'})].concat(body));
  }
  function show() {
    var item = items[view.at], r = facts.programFirst ? record(view.at) : state.read[view.at] || {};
    if (facts.programFirst && !r.shown) { r.shown = now(); save(); }
    picture.src = jpeg(byId('picture' + view.at).textContent);
    picture.alt = 'Ultrasound, ' + nameOf(view.at);
    byId('facts-of-image').textContent = nameOf(view.at) + ' \u00b7 ' + item.width + ' \u00d7 ' + item.height + ' pixels here, JPEG';
    panel.textContent = '';
    panel.appendChild(verdictCard(r));
    if (isShown(view.at)) panel.appendChild(programCard(item));
    panel.appendChild(make('p', {'class': 'note', text: (stored ? 'Verdicts are kept in this browser (localStorage) until you clear its data; save them as CSV to hand on.'
      : 'This browser keeps nothing from this page: save the CSV before you close it.') + ' Model: ' + facts.model + ', trained on ' + facts.population + '.'}));
    drawMapNames(); drawMap(); drawZoom(); drawWindow(); drawRow(view.at);
    tell(doneCount() + ' of ' + items.length + ' read');
  }
  function go(i) {
    var before = view.at;
    view.at = i; view.zoom = 1; view.x = view.y = 0;
    drawRow(before); show();
    buttons[i].scrollIntoView({block: 'nearest'});
  }
  function step(by) {
    var to = order.indexOf(view.at) + by;
    if (to >= 0 && to < order.length) go(order[to]);
  }

  /* ---- table for `sonograde readers` */
  function field(x) {
    var text = x === null || x === undefined ? '' : String(x);
    if (/^[=+\-@\t\r]/.test(text) && isNaN(+text)) text = "'" + text;
    return '"' + text.replace(/"/g, '""') + '"';
  }
  function table() {
    var rows = ['reader,image,way,score,verdict,at,shown_at,note,program,sha256'];
    items.forEach(function (item, i) {
      var r = state.read[i] || {};
      [r.first, r.second].forEach(function (v) {
        if (!v) return;
        var way = v === r.second ? 'aided' : v.ordered ? 'ordered' : 'unaided';
        rows.push([state.reader || 'reader', item.name, way, v.score, v.verdict, v.at, r.shown, v.note, classes[item.top], item.sha256].map(field).join(','));
      });
    });
    return rows.join('\r\n') + '\r\n';
  }
  function exportCsv() {
    var link = make('a', {href: URL.createObjectURL(new Blob([table()], {type: 'text/csv'})), download: 'reads.csv'});
    document.body.appendChild(link);
    link.click();
    link.remove();
    exported = true;
    tell('Saved ' + doneCount() + ' of ' + items.length + ' as reads.csv' + (state.reader ? '.' : ', under the name "reader": enter yours above.'));
  }

  /* ---- keyboard */
  var keys = {n: function () { step(1); }, ArrowRight: function () { step(1); }, p: function () { step(-1); }, ArrowLeft: function () { step(-1); },
    a: agree, d: disagree, m: toggleMap, '+': function () { zoomBy(1.25); }, '-': function () { zoomBy(1 / 1.25); }, '0': resetView};
  function onKey(e) {
    var typing = /^(TEXTAREA|SELECT)$/.test(e.target.tagName) || (e.target.tagName === 'INPUT' && e.target.type !== 'radio');
    if (e.key === 'Enter' && e.ctrlKey && byId('keep')) { byId('keep').click(); e.preventDefault(); return; }
    if (e.ctrlKey || e.metaKey || e.altKey || typing) return;
    if (e.target.type === 'radio' && /^Arrow/.test(e.key)) return;
    if (e.key === 'Enter' && e.target.tagName !== 'BUTTON' && !isShown(view.at)) { lock(); e.preventDefault(); return; }
    var number = +e.key, radio = number >= 1 && panel.querySelectorAll('input[name=verdict]')[number - 1];
    if (radio) { radio.checked = true; radio.focus(); e.preventDefault(); return; }
    var action = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (action) { action(); e.preventDefault(); }
  }

  build();
  sortList();
  view.at = order[0];
  drawList();
  listenToStage();
  document.addEventListener('keydown', onKey);
  window.addEventListener('beforeunload', function (e) { if (!stored && !exported) e.preventDefault(); });
  show();
})();

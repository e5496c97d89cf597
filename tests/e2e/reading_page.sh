#!/bin/bash
# The reading page: made, used with keyboard and mouse in headless Chromium (left out where there is
# none), its verdicts taken by `readers`; and what cannot be made into a page.
# SPDX-License-Identifier: Apache-2.0
set -eu
. "$(dirname "$0")/../support/images.sh"
. "$(dirname "$0")/../support/training.sh"

phantoms data 8
train --data data --run r1 --size 64 # a last map of 2 x 2; one of 1 x 1 at 32
train --data data --run flat
"$SONOGRADE" bundle --run r1 -o m.sgb --quiet 2>/dev/null
"$SONOGRADE" bundle --run flat -o old.sgb --no-profile --quiet
mkdir -p scans
for class in benign malignant normal; do cp "data/$class/$class (1).png" "data/$class/$class (2).png" scans/; done
mv 'scans/benign (1).png' 'scans/=a<script><b>.png'

read_page() { "$SONOGRADE" read scans --allow-phantom-model --threads 1 --quiet "$@"; }
read_page --bundle m.sgb --neighbours data --out page.html
read_page --bundle m.sgb --neighbours data --out again.html
cmp page.html again.html || fail 'the same batch gave another page'
has page.html 'Research use only' 'localStorage' '"programFirst":false' '<noscript>' 'a\u003cscript>\u003cb>'
[ "$(grep -c '<script type="text/plain"' page.html)" = 6 ] || fail 'not one picture per image'
! grep -qE '(src|href)="?(https?:)?//' page.html || fail 'something is loaded from outside'
[ "$(grep -o '"name":"Grad-CAM, ' page.html | wc -l)" = 6 ] || fail 'not one map per image'
expect 0 'No maps: the last layer of this model has no extent' read_page --bundle old.sgb --program-first --out old.html
has old.html '"programFirst":true' 'does not know its training images: no picture quality' '"quality":null' '"neighbours":[]' \
    '"maps":[]' 'No maps: '
read_page --bundle m.sgb --map none --out none.html
has none.html '"maps":[]'
lacks none.html 'No maps: '

expect 2 'name the model' read_page --out p.html
expect 2 'say which page' read_page --bundle m.sgb
expect 2 'named like an image' read_page --bundle m.sgb --out page.png
expect 3 'no squeeze-and-excitation gates' read_page --bundle m.sgb --map se-gated --out p.html
expect 2 'no such class' read_page --bundle m.sgb --positive cancer --out p.html
expect 2 'name images' "$SONOGRADE" read --bundle m.sgb --out p.html
expect 3 'cannot create nowhere' read_page --bundle m.sgb --out nowhere/p.html
mkdir empty
expect 3 'holds no PNG' "$SONOGRADE" read empty --bundle m.sgb --out p.html
[ ! -e p.html ] || fail 'a page was left behind'
[ -z "$(find . -maxdepth 1 -name '*.tmp*' -o -maxdepth 1 -name '.p.html*')" ] || fail 'a temporary file is left'

chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ]; then
    echo 'no chromium: the page was not used'
    exit 0
fi

# use PAGE SCRIPT: what the script leaves as text of #outcome, after the page ran.
use() {
    {
        sed '$d' "$1" | sed '$d'
        echo '<pre id="outcome"></pre><script>window.onerror=function(m){document.getElementById("outcome").textContent="ERROR "+m};'
        echo 'function key(k,o){(document.activeElement||document.body).dispatchEvent(new KeyboardEvent("keydown",Object.assign({key:k,bubbles:true,cancelable:true},o||{})))}'
        echo 'function $(q){return document.querySelector(q)}function say(t){$("#outcome").textContent+=t+"\n"}'
        echo 'function mouse(q,t,o){$(q).dispatchEvent(new MouseEvent(t,Object.assign({bubbles:true,cancelable:true},o||{})))}'
        echo 'function type(q,t){var e=$(q);e.focus();e.value=t;e.dispatchEvent(new Event("input",{bubbles:true}))}'
        cat
        echo '</script></body></html>'
    } >used.html
    HOME=$PWD timeout 120 "$chromium" --headless --no-sandbox --disable-gpu --user-data-dir="$PWD/profile" --virtual-time-budget=3000 \
        --dump-dom "file://$PWD/used.html" 2>chromium.txt >dom.html || fail "chromium: $(tail -3 chromium.txt)"
    sed -n '/<pre id="outcome">/,/<\/pre>/p' dom.html | sed 's/.*<pre id="outcome">//; s/<\/pre>.*//; s/&lt;/</g; s/&gt;/>/g; s/&amp;/\&/g' >outcome.txt
    lacks outcome.txt ERROR
}

use page.html <<'END'
var csv='';URL.createObjectURL=function(b){b.text().then(function(t){say('CSV');say(t)});return '#'};
say('hidden before: '+!$('#program')+' '+!/benign|malignant|normal/.test($('#list').textContent));
key('Enter');say('locked without a class: '+!!$('#first'));
key('m');say('map before: '+!$('#map').hidden+' '+!$('#mapbox').hidden);
type('#reader','Anna');document.activeElement.blur();
key('2');say('chosen: '+$('input[name=verdict]:checked').value);key('Enter');
say('locked: '+$('#first').textContent.slice(0,35)+' '+!!$('#program'));
var map=$('#map');say('map at first: '+!map.hidden);key('m');
say('map: '+!map.hidden+' '+$('#mapname').selectedOptions[0].text.slice(0,10)+map.getAttribute('aria-label').slice(0,16)+' '+!$('#mapnote').hidden);
say('unchecked: '+/Not checked on these images/.test($('#mapnote').textContent));
var c=map.getContext('2d').getImageData(0,0,map.width,map.height).data,tones={},k;for(k=0;k<c.length;k+=4)tones[c.slice(k,k+4).join()]=1;
say('coloured: '+map.width+' '+(c[3]===255)+' '+(Object.keys(tones).length>8));
type('#opacity','0.8');$('#opacity').blur();say('opacity: '+map.style.opacity);
key('m');say('map off: '+map.hidden+' '+$('#mapnote').hidden);
$('#mapname').value='0';$('#mapname').dispatchEvent(new Event('change'));say('map by menu: '+!map.hidden);
key('a');say('agreed: '+/After the program/.test($('#second').textContent));
key('n');say('hidden again: '+!$('#program')+' '+map.hidden);
mouse('#panel input[value=normal]','click');mouse('#lock','click');mouse('#disagree','click');
mouse('#panel input[value=benign]','click');type('#note','=a, "note"');mouse('#keep','click');
say('note: '+$('#second').textContent.slice(-18));
mouse('#next','click');mouse('#previous','click');key('ArrowRight');
say('current: '+$('[aria-current]').getAttribute('data-item'));
type('#contrast','2');say('slope: '+$('#window feFuncR').getAttribute('slope')+' '+$('#window feFuncR').getAttribute('intercept'));
$('#contrast').blur();key('+');say('zoomed: '+$('.layer').style.transform.replace(/.*scale/,''));
$('#stage').dispatchEvent(new WheelEvent('wheel',{deltaY:-1,clientX:50,clientY:50,cancelable:true}));
say('more: '+(+$('.layer').style.transform.replace(/.*scale\(|\)/g,'')>1.25));
key('0');say('reset: '+$('.layer').style.transform.replace(/.*scale/,''));
$('#order').value='suspicion';$('#order').dispatchEvent(new Event('change'));
key('1');key('Enter');mouse('#list li:last-child button','click');
say('read: '+$('#status').textContent);
say('unlabelled: '+[].filter.call(document.querySelectorAll('input,select,textarea'),function(e){return !e.labels.length}).length);
k=JSON.parse($('#facts').textContent).key;say('STATE '+JSON.stringify(k)+','+JSON.stringify(localStorage.getItem(k)));
mouse('#export','click');
END
has outcome.txt 'hidden before: true true' 'locked without a class: false' 'chosen: malignant' \
    'locked: Yours, unaided (locked): malignant, true' 'map before: false false' \
    'map at first: false' 'map: true Grad-CAM, Map of the model true' 'unchecked: true' 'coloured: 48 true true' 'opacity: 0.8' \
    'map off: true true' 'map by menu: true' 'agreed: true' 'hidden again: true true' 'Note: =a, "note"' 'current: 2' \
    'slope: 2 -0.5' 'zoomed: (1.25)' 'more: true' 'reset: (1)' 'read: 3 of 6 read' 'unlabelled: 0' CSV
sed -n '/^CSV/,$p' outcome.txt | sed 1d | sed '/^\r*$/d' >reads.csv
[ "$(grep -c '"Anna"' reads.csv)" = 5 ] || fail "$(cat reads.csv)"
has reads.csv reader,image,way,score,verdict '"unaided","","malignant"' '"unaided","","normal"' '"aided","","benign"' "\"'=a, \"\"note\"\"\"" '"ordered","","benign"'

# Verdicts that the browser kept are there when the page is opened again (handed over here: when a
# browser writes its storage to disk is its own affair). By the mouse alone the program comes first.
kept=$(sed -n 's/^STATE //p' outcome.txt)
{
    sed '/<\/head>/,$d' page.html
    echo "<script>localStorage.setItem($kept)</script>"
    sed -n '/<\/head>/,$p' page.html
} >kept.html
use kept.html <<<'say("kept: "+$("#status").textContent+" "+$("#reader").value+" "+!!$("#first"));'
has outcome.txt 'kept: 3 of 6 read Anna true'
use old.html <<<'say("first: "+!!$("#program"));mouse("#agree","click");say("read: "+$("#status").textContent+" "+!$("#first"));'
has outcome.txt 'first: true' 'read: Agreed: '

# `readers` takes the table, beside what the model said.
awk -F, 'NR == 1 { print "path,group,label,predicted,p_benign,p_malignant,p_normal" } NR > 1 { n = split($1, a, "/"); l = a[n]; sub(/ \(.*/, "", l)
    if (l != "malignant" && l != "normal") l = "benign"; print $1 "," NR "," l "," $4 "," $5 "," $6 "," $7 }' \
    <("$SONOGRADE" predict --bundle m.sgb --allow-phantom-model --threads 1 --csv scans) >predictions.csv
expect 0 '' "$SONOGRADE" readers reads.csv --predictions predictions.csv --draws 100
has stdout.txt '1 reader' 'Anna, unaided' 'Anna, aided'

/* explain_verdict.c - see explain_verdict.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/explain_verdict.h"
#include <math.h>
#include <string.h>

static const char *const against[SG_EXPLAIN_BASELINES] = {
        "not shown to beat the middle of the image", "not shown to beat the untrained network"};

sg_status sg_explain_verdict_reach(sg_explain_verdict *out, const sg_explain_study *s,
        sg_explain_method method, bool checked, bool permuted, const sg_bootstrap_options *draws,
        sg_error *err) {
    const int baselines[] = {SG_EXPLAIN_CENTRE, SG_EXPLAIN_UNTRAINED + (int)method};
    const sg_map_part lesions = {(int)method, -1, -1, 1};
    sg_explain_verdict v = {
            .checked = checked || permuted, .fails = sg_explain_study_fails(s, method)};
    sg_status st = SG_OK;
    for (size_t i = 0; i < s->row_count; i++) {
        if (s->rows[i].map != (int)method || s->rows[i].lesion != 1) continue;
        v.lesions++;
        v.seen += s->images[s->rows[i].image].seen;
    }
    for (int b = 0; b < SG_EXPLAIN_BASELINES && !st; b++) {
        st = sg_map_rows_above(
                v.above[b], s->rows, s->row_count, lesions, baselines[b], draws, err);
        const sg_bootstrap_figure *f = &v.above[b][SG_MAP_AUPRC];
        v.compared[b] = !st && !isnan(f->estimate);
        v.loses[b] = v.compared[b] && (f->degenerate || !(f->bca.low > 0));
    }
    if (!st) *out = v;
    return st;
}

void sg_explain_verdict_put_marks(sg_str *out, const sg_explain_verdict *v) {
    const char *between = "";
    if (v->fails) {
        sg_str_append(out, "fails a sanity check");
        between = "; ";
    }
    for (int b = 0; b < SG_EXPLAIN_BASELINES; b++) {
        if (!v->loses[b]) continue;
        sg_str_appendf(out, "%s%s", between, against[b]);
        between = "; ";
    }
}

json_t *sg_explain_verdict_to_json(const sg_explain_verdict *v) {
    sg_str marks;
    sg_str_init(&marks, 0);
    sg_explain_verdict_put_marks(&marks, v);
    json_t *out = json_pack("{s:I, s:I, s:b, s:b, s:s}", "lesions", (json_int_t)v->lesions,
            "seen_in_training", (json_int_t)v->seen, "sanity_checked", (int)v->checked,
            "untrained_compared", (int)v->compared[SG_EXPLAIN_THE_UNTRAINED], "marks",
            sg_str_text(&marks));
    sg_str_dispose(&marks);
    return out;
}

/* ---- of an earlier study ---- */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

sg_status sg_explain_past_read(sg_explain_past *out, const char *path, const sg_bundle *bundle,
        const char *layer, sg_error *err) {
    json_t *d;
    sg_status st = sg_json_read(&d, path, err);
    if (st) return st;
    if (json_integer_value(json_object_get(d, "schema")) != 1 ||
            !json_is_object(json_object_get(d, "verdicts")))
        st = sg_fail(err, SG_ERR_INPUT,
                "%s: no study of maps; --study takes the explain.json that `sonograde explain "
                "--data FOLDER --check` writes",
                path);
    else if (strcmp(text_of(d, "bundle_sha256"), sg_bundle_sha256(bundle)) != 0)
        st = sg_fail(err, SG_ERR_INPUT,
                "%s: the study is of another model (%s, %.12s...), and says nothing about this one "
                "(%s, %.12s...); make one with this model: sonograde explain --data FOLDER --check",
                path, text_of(d, "model"), text_of(d, "bundle_sha256"), bundle->model,
                sg_bundle_sha256(bundle));
    else if (strcmp(text_of(d, "layer"), layer ? layer : "") != 0)
        st = sg_fail(err, SG_ERR_INPUT, "%s: the study is of maps of another layer", path);
    if (st)
        json_decref(d);
    else
        out->document = d;
    return st;
}

void sg_explain_past_dispose(sg_explain_past *past) {
    json_decref(past->document);
}

static const json_t *verdict_of(const sg_explain_past *past, sg_explain_method method) {
    return json_object_get(json_object_get(past->document, "verdicts"), sg_explain_name(method));
}

const char *sg_explain_past_marks(const sg_explain_past *past, sg_explain_method method) {
    const json_t *v = verdict_of(past, method);
    return v ? text_of(v, "marks") : NULL;
}

int sg_explain_past_seen(const sg_explain_past *past, sg_explain_method method) {
    return (int)json_integer_value(json_object_get(verdict_of(past, method), "seen_in_training"));
}

void sg_explain_past_put(sg_str *out, const sg_explain_past *past, sg_explain_method method) {
    const json_t *v = verdict_of(past, method);
    const char *marks = text_of(v, "marks"), *title = sg_explain_title(method);
    if (!v) {
        sg_str_appendf(
                out, "%s was not in the study of %s.", title, text_of(past->document, "data"));
        return;
    }
    sg_str_appendf(out, "On %s (%d images with a lesion) %s ", text_of(past->document, "data"),
            (int)json_integer_value(json_object_get(v, "lesions")), title);
    if (*marks)
        sg_str_appendf(out, "is marked: %s; do not read its maps as reasons.", marks);
    else
        sg_str_appendf(out, "beats the middle of the image%s%s.",
                json_is_true(json_object_get(v, "untrained_compared"))
                        ? " and the untrained network"
                        : "",
                json_is_true(json_object_get(v, "sanity_checked")) ? " and passes the sanity checks"
                                                                   : "; no sanity check was run");
    int seen = sg_explain_past_seen(past, method);
    if (seen)
        sg_str_appendf(
                out, " %d of these images were in the model's training: this means little.", seen);
}

/* readers_json.c - the document of readers.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/readers.h"

#include "base/version.h"

#include <math.h>

/* A helper that gives NULL makes the pack around it fail, and json_pack drops what it was given. */
static json_t *interval_json(sg_interval i) {
    return json_pack("[o, o]", sg_json_number(i.low), sg_json_number(i.high));
}

static json_t *share_json(const sg_share *s) {
    return json_pack("{s:I, s:I, s:o, s:o, s:s}", "hits", (json_int_t)s->hits, "images",
            (json_int_t)s->n, "value", sg_json_number(s->value), "interval",
            interval_json(s->interval), "method", s->wilson ? "wilson" : "bootstrap over groups");
}

static json_t *area_json(const sg_delong *d) {
    sg_interval none = {NAN, NAN};
    return json_pack("{s:o, s:o, s:I, s:I, s:b}", "value", sg_json_number(d->auc), "interval",
            interval_json(d->degenerate ? none : d->interval), "positives",
            (json_int_t)d->positives, "negatives", (json_int_t)d->negatives, "degenerate",
            d->degenerate);
}

static json_t *difference_json(const sg_delong_pair *d, double holm) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "reader_less_model",
            sg_json_number(d->difference), "interval", interval_json(d->interval), "z",
            sg_json_number(d->z), "p", sg_json_number(d->p), "p_holm", sg_json_number(holm));
}

static json_t *kappa_json(const sg_bootstrap_figure *f) {
    sg_interval none = {NAN, NAN};
    return json_pack("{s:o, s:o}", "value", sg_json_number(f->estimate), "interval",
            interval_json(f->degenerate ? none : f->bca));
}

static json_t *mean_json(const sg_mrmc_mean *m) {
    return json_pack("{s:o, s:o, s:o, s:o}", "value", sg_json_number(m->mean), "interval",
            interval_json(m->interval), "standard_error", sg_json_number(m->standard_error), "df",
            sg_json_number(m->df));
}

static json_t *tested_json(const sg_mrmc_mean *m) {
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "value", sg_json_number(m->mean), "interval",
            interval_json(m->interval), "standard_error", sg_json_number(m->standard_error), "df",
            sg_json_number(m->df), "t", sg_json_number(m->t), "p", sg_json_number(m->p));
}

static json_t *reading_json(const sg_reader_study *s, const sg_reading *r) {
    bool judged = r->judged > 0, area = r->has_area;
    return json_pack("{s:o, s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "reader", sg_json_text(r->reader),
            "way", r->way[0] ? sg_json_text(r->way) : json_null(), "images", (json_int_t)r->read,
            "sensitivity", judged ? share_json(&r->sensitivity) : json_null(), "specificity",
            judged ? share_json(&r->specificity) : json_null(), "auroc",
            area ? area_json(&r->area) : json_null(), "against_model",
            area && s->has_model ? difference_json(&r->against, r->against_holm) : json_null(),
            "kappa_with_model", s->has_model && judged ? kappa_json(&r->kappa_model) : json_null());
}

static json_t *pair_json(const sg_reader_study *s, const sg_reader_pair *p) {
    const sg_reading *a = &s->readings[p->first], *b = &s->readings[p->second];
    return json_pack("{s:o, s:o, s:o, s:I, s:o}", "first", sg_json_text(a->reader), "second",
            sg_json_text(b->reader), "way", a->way[0] ? sg_json_text(a->way) : json_null(),
            "images", (json_int_t)p->images, "kappa", kappa_json(&p->kappa));
}

static json_t *way_json(const sg_reader_study *s, const sg_reader_way *w) {
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:I}", "way",
            w->name[0] ? sg_json_text(w->name) : json_null(), "scoring_readers",
            (json_int_t)w->readers, "mean_auroc",
            w->readers > 1 ? mean_json(&w->area) : json_null(), "mean_auroc_less_model",
            w->readers > 1 && s->has_model ? tested_json(&w->against) : json_null(), "kappa_fleiss",
            sg_json_number(w->fleiss), "kappa_fleiss_interval",
            isnan(w->fleiss) ? json_null() : interval_json(w->fleiss_interval),
            "kappa_fleiss_images", (json_int_t)w->fleiss_images);
}

static json_t *comparison_json(const sg_reader_study *s) {
    const sg_mrmc_test *t = &s->comparison;
    json_t *differences = json_array();
    for (size_t a = 0, at = 0; a < s->way_count; a++)
        for (size_t b = a + 1; b < s->way_count; b++, at++)
            json_array_append_new(differences,
                    json_pack("{s:o, s:o, s:o}", "first", sg_json_text(s->ways[a].name), "second",
                            sg_json_text(s->ways[b].name), "first_less_second",
                            tested_json(&s->differences[at])));
    return json_pack("{s:o, s:f, s:o, s:o, s:f, s:f, s:f, s:f, s:o}", "f", sg_json_number(t->f),
            "df1", t->df1, "df2", sg_json_number(t->df2), "p", sg_json_number(t->p), "variance",
            t->variance, "cov1", t->cov1, "cov2", t->cov2, "cov3", t->cov3, "differences",
            differences);
}

static json_t *model_json(const sg_reader_study *s) {
    return json_pack("{s:o, s:o, s:o, s:I, s:b}", "sensitivity", share_json(&s->model_sensitivity),
            "specificity", share_json(&s->model_specificity), "auroc",
            s->has_model_area ? area_json(&s->model_area) : json_null(), "folds",
            (json_int_t)s->model_folds, "auroc_mixes_models", s->model_mixed);
}

json_t *sg_reader_study_to_json(const sg_reader_study *s) {
    json_t *readings = json_array(), *pairs = json_array(), *ways = json_array();
    json_t *categories = json_array();
    for (size_t i = 0; i < s->reading_count; i++)
        json_array_append_new(readings, reading_json(s, &s->readings[i]));
    for (size_t i = 0; i < s->pair_count; i++)
        json_array_append_new(pairs, pair_json(s, &s->pairs[i]));
    for (size_t i = 0; i < s->way_count; i++) json_array_append_new(ways, way_json(s, &s->ways[i]));
    for (size_t i = 0; i < s->category_count; i++)
        json_array_append_new(categories, sg_json_text(s->categories[i]));
    return json_pack(
            "{s:i, s:s, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:I, s:s, s:o, s:o, s:o, "
            "s:o, s:o}",
            "schema", SG_SCHEMA_VERSION, "build", sg_build_id(), "use", SG_RESEARCH_USE, "positive",
            sg_json_text(s->positive_name), "readers", (json_int_t)s->reader_count, "images",
            (json_int_t)s->image_count, "positives", (json_int_t)s->positives, "groups",
            (json_int_t)s->groups, "largest_group", (json_int_t)s->largest_group, "verdicts",
            categories, "cut", sg_json_number(s->cut), "images_scored_by_all",
            (json_int_t)s->common_images, "draws", (json_int_t)s->draws, "area_covariances",
            s->largest_group > 1 ? "jackknife over groups" : "delong", "model",
            s->has_model ? model_json(s) : json_null(), "readings", readings, "ways", ways,
            "comparison_of_ways", s->has_comparison ? comparison_json(s) : json_null(), "pairs",
            pairs);
}

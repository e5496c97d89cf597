/* audit_images.c - findings of single images: no breast ultrasound picture, marks burnt in, sizes
 * and intensities far from the others'.
 *
 * What is outside the domain is judged by a table of rules over a picture's traits, the first that
 * holds; each tells the figure it rests on. Outliers are judged among the set's own images by
 * median and median absolute deviation; they stay in the cohort, since to drop what looks unusual
 * would make the figures look better than the data are. SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/audit.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- outside the domain ---- */

enum { TINY = 48 };

/* Whether a word stands in the path, whatever the case. */
static bool path_says(const char *path, const char *word) {
    size_t n = strlen(word);
    for (; *path; path++) {
        size_t i = 0;
        while (i < n && tolower((unsigned char)path[i]) == word[i]) i++;
        if (i == n) return true;
    }
    return false;
}

typedef struct picture {
    const char *path;
    const sg_look *look;
} picture;

/* Each rule writes its sentence when it holds. */
typedef bool (*rule)(const picture *p, char *detail, size_t size);

static bool is_tiny(const picture *p, char *detail, size_t size) {
    int w = p->look->width, h = p->look->height;
    if (w >= TINY && h >= TINY) return false;
    snprintf(detail, size, "%d x %d pixels, below %d on a side", w, h, TINY);
    return true;
}

static bool is_blank(const picture *p, char *detail, size_t size) {
    const sg_traits *t = &p->look->traits;
    if (t->high - t->low >= 12.0) return false;
    snprintf(detail, size, "99 %% of the pixels lie within %.0f grey levels", t->high - t->low);
    return true;
}

static bool is_mask(const picture *p, char *detail, size_t size) {
    const sg_traits *t = &p->look->traits;
    if (t->two_level < 0.98 || t->high - t->low < 60.0) return false;
    snprintf(detail, size, "%.1f %% of the pixels are of two levels, as in a lesion mask",
            100.0 * t->two_level);
    return true;
}

static bool is_doppler(const picture *p, char *detail, size_t size) {
    const sg_traits *t = &p->look->traits;
    if (t->solid < 0.003 || t->solid < 0.3 * t->coloured || t->coloured > 0.6) return false;
    snprintf(detail, size, "coloured areas, %.1f %% of the picture, as Doppler or elastography",
            100.0 * t->coloured);
    return true;
}

static bool is_photograph(const picture *p, char *detail, size_t size) {
    const sg_traits *t = &p->look->traits;
    if (t->coloured <= 0.6) return false;
    snprintf(detail, size, "%.0f %% of the picture is coloured: no ultrasound image as saved",
            100.0 * t->coloured);
    return true;
}

static bool is_screenshot(const picture *p, char *detail, size_t size) {
    const sg_look *look = p->look;
    size_t lines = 0;
    for (size_t i = 0; i < look->marks.count; i++)
        lines += look->marks.items[i].kind == SG_MARK_TEXT;
    if (look->traits.flat >= 0.25) {
        snprintf(detail, size, "%.0f %% of the picture has one level that is not black",
                100.0 * look->traits.flat);
        return true;
    }
    if (look->traits.scan > 0.6 || lines < 3) return false;
    snprintf(detail, size, "%zu lines of text around a scan that fills %.0f %% of the picture",
            lines, 100.0 * look->traits.scan);
    return true;
}

static bool is_axilla(const picture *p, char *detail, size_t size) {
    if (!path_says(p->path, "axilla")) return false;
    snprintf(detail, size, "its name says so; from pixels it cannot be told");
    return true;
}

static const struct {
    const char *what;
    rule holds;
} rules[] = {{"tiny", is_tiny}, {"blank", is_blank}, {"mask", is_mask}, {"colour", is_photograph},
        {"doppler", is_doppler}, {"screenshot", is_screenshot}, {"axilla", is_axilla}};

static sg_status judge_domain(sg_audit *audit, uint32_t row, sg_error *err) {
    const picture p = {audit->manifest.rows[row].path, &audit->looks[row]};
    sg_finding f = {.kind = SG_FINDING_DOMAIN, .row = row, .score = NAN, .excludes = true};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (!rules[i].holds(&p, f.detail, sizeof f.detail)) continue;
        snprintf(f.what, sizeof f.what, "%s", rules[i].what);
        return sg_audit_add_finding(audit, &f, err);
    }
    return SG_OK;
}

/* ---- marks ---- */

static sg_status list_marks(sg_audit *audit, uint32_t row, sg_error *err) {
    const sg_marks *marks = &audit->looks[row].marks;
    sg_status status = SG_OK;
    for (size_t i = 0; i < marks->count && !status; i++) {
        const sg_mark *m = &marks->items[i];
        sg_finding f = {.kind = SG_FINDING_MARK, .row = row, .box = m->box, .score = NAN};
        snprintf(f.what, sizeof f.what, "%s", sg_mark_name(m->kind));
        snprintf(f.detail, sizeof f.detail, "%.0f levels above its surroundings", m->contrast);
        status = sg_audit_add_finding(audit, &f, err);
    }
    return status;
}

/* ---- outliers ---- */

static double measure_width(const sg_look *l) {
    return log2(l->width);
}
static double measure_height(const sg_look *l) {
    return log2(l->height);
}
static double measure_shape(const sg_look *l) {
    return log2((double)l->width / l->height);
}
static double measure_mean(const sg_look *l) {
    return l->traits.mean;
}
static double measure_sd(const sg_look *l) {
    return l->traits.sd;
}

/* A measure with the least spread that is believed: where all images are of one size, one pixel
 * more is no outlier. Sizes are compared by their ratio. */
typedef struct measure {
    const char *what, *words; /* what is told before the value */
    int decimals;
    double (*of)(const sg_look *look);
    double least_spread;
    bool logarithm;
} measure;

static const measure measures[] = {
        {"width", "width in pixels", 0, measure_width, 0.15, true},
        {"height", "height in pixels", 0, measure_height, 0.15, true},
        {"shape", "width / height", 2, measure_shape, 0.15, true},
        {"brightness", "mean grey level", 0, measure_mean, 4.0, false},
        {"contrast", "standard deviation of the grey levels", 0, measure_sd, 2.0, false},
};
enum { MEASURES = sizeof measures / sizeof *measures, FEWEST = 20 };
/* Iglewicz and Hoaglin (1993): a modified z-score above 3.5 is an outlier. */
static const double far_off = 3.5;

typedef struct robust {
    double median, spread; /* spread: 1.4826 x the median absolute deviation */
} robust;

static int compare_reals(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(double *v, size_t n) {
    qsort(v, n, sizeof *v, compare_reals);
    return n % 2 ? v[n / 2] : 0.5 * (v[n / 2 - 1] + v[n / 2]);
}

static robust summarize(const sg_audit *audit, const measure *m, double *values) {
    size_t n = audit->manifest.count;
    robust r;
    for (size_t i = 0; i < n; i++) values[i] = m->of(&audit->looks[i]);
    r.median = middle(values, n);
    for (size_t i = 0; i < n; i++) values[i] = fabs(m->of(&audit->looks[i]) - r.median);
    r.spread = fmax(1.4826 * middle(values, n), m->least_spread);
    return r;
}

static sg_status judge_outlier(sg_audit *audit, uint32_t row, const robust *all, sg_error *err) {
    sg_status status = SG_OK;
    for (int k = 0; k < MEASURES && !status; k++) {
        const measure *m = &measures[k];
        double value = m->of(&audit->looks[row]), median = all[k].median;
        double off = fabs(value - median) / all[k].spread;
        if (off < far_off) continue;
        sg_finding f = {.kind = SG_FINDING_OUTLIER, .row = row, .score = NAN};
        snprintf(f.what, sizeof f.what, "%s", m->what);
        double shown = m->logarithm ? exp2(value) : value;
        double usual = m->logarithm ? exp2(median) : median;
        snprintf(f.detail, sizeof f.detail,
                "%s %.*f, the set's median %.*f: %.1f robust standard deviations off", m->words,
                m->decimals, shown, m->decimals, usual, off);
        status = sg_audit_add_finding(audit, &f, err);
    }
    return status;
}

/* ---- the step ---- */

sg_status sg_audit_find_images(sg_audit *audit, sg_error *err) {
    size_t n = audit->manifest.count;
    double *values = malloc((n + 1) * sizeof *values);
    if (!values) return sg_fail(err, SG_ERR_MEMORY, "out of memory for the findings");
    robust all[MEASURES];
    for (int k = 0; k < MEASURES && n; k++) all[k] = summarize(audit, &measures[k], values);
    free(values);
    sg_status status = SG_OK;
    for (uint32_t row = 0; row < n && !status; row++) {
        status = judge_domain(audit, row, err);
        if (!status) status = list_marks(audit, row, err);
        if (!status && n >= FEWEST) status = judge_outlier(audit, row, all, err);
    }
    return status;
}

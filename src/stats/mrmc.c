/* mrmc.c - see mrmc.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "stats/mrmc.h"

#include "stats/distribution.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

static sg_status check(const double *figures, const double *covariance, size_t count,
        double confidence, sg_error *err) {
    if (!(confidence > 0 && confidence < 1))
        return sg_fail(err, SG_ERR_INPUT, "a confidence of %g is not between 0 and 1", confidence);
    if (count == 0) return sg_fail(err, SG_ERR_INPUT, "there are no readers");
    for (size_t i = 0; i < count; i++)
        if (!isfinite(figures[i])) return sg_fail(err, SG_ERR_INPUT, "reader %zu has no figure", i);
    for (size_t i = 0; i < count * count; i++)
        if (!isfinite(covariance[i]))
            return sg_fail(err, SG_ERR_INPUT, "reader %zu has no covariance", i / count);
    return SG_OK;
}

static void conclude(sg_mrmc_mean *m, double confidence) {
    double half = sg_student_quantile(0.5 + 0.5 * confidence, m->df) * m->standard_error;
    bool varies = m->standard_error > 0; /* else nothing says how far other luck would lie */
    m->interval = varies ? (sg_interval){m->mean - half, m->mean + half} : (sg_interval){NAN, NAN};
    m->t = varies ? m->mean / m->standard_error : NAN;
    m->p = sg_student_two_sided(m->t, m->df);
}

/* total^2 over square^2 / df: Hillis' degrees of freedom of a mean square to which a covariance was
 * added. Without spread between readers only the images are left: infinite. */
static double hillis_df(double total, double square, double df) {
    return square > 0 ? total * total / (square * square) * df : INFINITY;
}

sg_status sg_mrmc_average(sg_mrmc_mean *out, const double *figures, const double *covariance,
        size_t readers, double confidence, sg_error *err) {
    sg_status status = check(figures, covariance, readers, confidence, err);
    if (status != SG_OK) return status;
    double count = (double)readers;
    sg_mrmc_mean m = {.df = INFINITY};
    for (size_t r = 0; r < readers; r++) m.mean += figures[r] / count;
    if (readers == 1) {
        m.cov2 = covariance[0];
        m.standard_error = sqrt(fmax(0, m.cov2));
    } else {
        for (size_t r = 0; r < readers; r++) {
            m.mean_square += (figures[r] - m.mean) * (figures[r] - m.mean) / (count - 1);
            for (size_t s = 0; s < readers; s++)
                if (s != r) m.cov2 += covariance[r * readers + s] / (count * (count - 1));
        }
        double total = m.mean_square + fmax(0, count * m.cov2);
        m.standard_error = sqrt(total / count);
        m.df = hillis_df(total, m.mean_square, count - 1);
    }
    conclude(&m, confidence);
    *out = m;
    return SG_OK;
}

sg_status sg_mrmc_against(sg_mrmc_mean *out, const double *figures, const double *covariance,
        size_t readers, double confidence, sg_error *err) {
    size_t all = readers + 1;
    sg_status status = check(figures, covariance, all, confidence, err);
    if (status != SG_OK) return status;
    double *less = calloc(readers * all + 1, sizeof *less);
    if (!less) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu readers", readers);
    double *cross = less + readers;
    const double *rival = covariance + readers * all;
    for (size_t r = 0; r < readers; r++) {
        less[r] = figures[r] - figures[readers];
        for (size_t s = 0; s < readers; s++)
            cross[r * readers + s] = covariance[r * all + s] - rival[r] - rival[s] + rival[readers];
    }
    status = sg_mrmc_average(out, less, cross, readers, confidence, err);
    free(less);
    return status;
}

/* Means of the covariances by what two figures share. */
static void sort_covariances(
        sg_mrmc_test *t, const double *covariance, size_t ways, size_t readers) {
    double w = (double)ways, r = (double)readers;
    for (size_t i = 0; i < ways * readers; i++)
        for (size_t j = 0; j < ways * readers; j++) {
            double c = covariance[i * ways * readers + j];
            bool same_way = i / readers == j / readers, same_reader = i % readers == j % readers;
            if (same_way && same_reader)
                t->variance += c / (w * r);
            else if (same_reader)
                t->cov1 += c / (w * (w - 1) * r);
            else if (same_way)
                t->cov2 += c / (w * r * (r - 1));
            else
                t->cov3 += c / (w * (w - 1) * r * (r - 1));
        }
}

static double mean_of_way(const double *figures, size_t way, size_t readers) {
    double sum = 0;
    for (size_t r = 0; r < readers; r++) sum += figures[way * readers + r];
    return sum / (double)readers;
}

static void square(sg_mrmc_test *t, const double *figures, size_t ways, size_t readers) {
    double w = (double)ways, r = (double)readers, grand = 0;
    for (size_t i = 0; i < ways; i++) grand += mean_of_way(figures, i, readers) / w;
    for (size_t i = 0; i < ways; i++) {
        double gap = mean_of_way(figures, i, readers) - grand;
        t->ms_way += r * gap * gap / (w - 1);
    }
    for (size_t j = 0; j < readers; j++) {
        double mean = 0;
        for (size_t i = 0; i < ways; i++) mean += figures[i * readers + j] / w;
        t->ms_reader += w * (mean - grand) * (mean - grand) / (r - 1);
        for (size_t i = 0; i < ways; i++) {
            double gap = figures[i * readers + j] - mean_of_way(figures, i, readers) - mean + grand;
            t->ms_both += gap * gap / ((w - 1) * (r - 1));
        }
    }
}

/* One way from its own block of figures and covariances. */
static sg_status average_way(sg_mrmc_mean *out, const double *figures, const double *covariance,
        double *block, size_t way, size_t ways, size_t readers, double confidence, sg_error *err) {
    size_t all = ways * readers, from = way * readers;
    for (size_t r = 0; r < readers; r++)
        for (size_t s = 0; s < readers; s++)
            block[r * readers + s] = covariance[(from + r) * all + from + s];
    return sg_mrmc_average(out, figures + from, block, readers, confidence, err);
}

sg_status sg_mrmc_compare(sg_mrmc_test *out, sg_mrmc_mean *means, sg_mrmc_mean *differences,
        const double *figures, const double *covariance, size_t ways, size_t readers,
        double confidence, sg_error *err) {
    sg_status status = check(figures, covariance, ways * readers, confidence, err);
    if (status != SG_OK) return status;
    if (ways < 2 || readers < 2)
        return sg_fail(err, SG_ERR_INPUT,
                "%zu ways of reading and %zu readers: a comparison needs two of each", ways,
                readers);
    sg_mrmc_test t = {0};
    sort_covariances(&t, covariance, ways, readers);
    square(&t, figures, ways, readers);
    double r = (double)readers, base = (double)(ways - 1) * (r - 1);
    double denominator = t.ms_both + fmax(0, r * (t.cov2 - t.cov3));
    t.df1 = (double)(ways - 1);
    t.df2 = hillis_df(denominator, t.ms_both, base);
    t.f = denominator > 0 ? t.ms_way / denominator : NAN;
    t.p = ways == 2      ? sg_student_two_sided(sqrt(t.f), t.df2)
          : isinf(t.df2) ? NAN
                         : sg_fisher_above(t.f, t.df1, t.df2);
    double *block = calloc(readers * readers, sizeof *block);
    if (!block) return sg_fail(err, SG_ERR_MEMORY, "out of memory for %zu readers", readers);
    for (size_t i = 0; i < ways && means && status == SG_OK; i++)
        status = average_way(
                &means[i], figures, covariance, block, i, ways, readers, confidence, err);
    for (size_t i = 0, at = 0; i < ways && differences; i++)
        for (size_t j = i + 1; j < ways; j++, at++) {
            sg_mrmc_mean d = {
                    .mean = mean_of_way(figures, i, readers) - mean_of_way(figures, j, readers),
                    .standard_error = sqrt(2 / r * denominator),
                    .df = t.df2,
                    .mean_square = t.ms_both,
                    .cov2 = t.cov2 - t.cov3};
            conclude(&d, confidence);
            differences[at] = d;
        }
    free(block);
    if (status == SG_OK) *out = t;
    return status;
}

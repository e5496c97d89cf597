/* gp.c - see gp.h: kernel, conditioning, posterior, likelihood. SPDX-License-Identifier: Apache-2.0
 */
#include "tune/gp.h"

#include <cblas.h>
#include <lapacke.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double sqrt5 = 2.2360679774997896964;
static const double log_two_pi = 1.8378770664093454836;
static const double ln_ten = 2.3025850929940456840;

enum { DECADES = 6 }; /* by which noise may grow until a covariance can be factored */

/* Theta as it is used: inverse lengths (0 for time), and which coordinate is time. */
typedef struct metric {
    double inverse[SG_GP_WIDTH_MAX];
    size_t width;
    double signal, noise, forget;
    int time; /* -1: none */
} metric;

static metric make_metric(size_t width, const int *group, const sg_gp_theta *t) {
    metric m = {.width = width,
            .signal = exp(t->log_signal),
            .noise = exp(t->log_noise),
            .forget = t->forget,
            .time = -1};
    for (size_t j = 0; j < width; j++) {
        if (group[j] == SG_GP_TIME)
            m.time = (int)j;
        else
            m.inverse[j] = exp(-t->log_length[group[j]]);
    }
    return m;
}

static double squared_distance(const metric *m, const double *a, const double *b) {
    double r2 = 0;
    for (size_t j = 0; j < m->width; j++) {
        double d = (a[j] - b[j]) * m->inverse[j];
        r2 += d * d;
    }
    return r2;
}

static double apart_in_time(const metric *m, const double *a, const double *b) {
    return m->time < 0 ? 0 : fabs(a[m->time] - b[m->time]);
}

/* The signal variance that two points share by their age. */
static double shared_signal(const metric *m, const double *a, const double *b) {
    return m->time < 0 ? m->signal : m->signal * exp(-m->forget * apart_in_time(m, a, b));
}

static double kernel(const metric *m, const double *a, const double *b) {
    double r2 = squared_distance(m, a, b), r = sqrt(r2);
    return shared_signal(m, a, b) * (1 + sqrt5 * r + 5.0 / 3 * r2) * exp(-sqrt5 * r);
}

/* Lower triangle of K + noise I, column-major. */
static void fill(double *k, const double *x, size_t n, const metric *m) {
    for (size_t j = 0; j < n; j++) {
        k[j * n + j] = m->signal + m->noise;
        for (size_t i = j + 1; i < n; i++)
            k[j * n + i] = kernel(m, x + i * m->width, x + j * m->width);
    }
}

/* factor: in K + noise I, out its Cholesky factor; alpha: in y, out K^-1 y. */
static sg_status solve(double *factor, double *alpha, size_t n, sg_error *err) {
    int info = LAPACKE_dpotrf_work(LAPACK_COL_MAJOR, 'L', (int)n, factor, (int)n);
    if (info == 0)
        info = LAPACKE_dpotrs_work(LAPACK_COL_MAJOR, 'L', (int)n, 1, factor, (int)n, alpha, (int)n);
    if (info == 0) return SG_OK;
    return sg_fail(err, SG_ERR_NUMERIC,
            "the covariance of %zu trials is not positive definite (row %d); the noise is too "
            "small",
            n, info);
}

static double likelihood_of(const double *factor, const double *alpha, const double *y, size_t n) {
    double value = -0.5 * (double)n * log_two_pi;
    for (size_t i = 0; i < n; i++) value -= 0.5 * y[i] * alpha[i] + log(factor[i * n + i]);
    return value;
}

static sg_status refill(sg_gp *gp, const double *y, sg_error *err) {
    metric m = make_metric(gp->width, gp->group, &gp->theta);
    fill(gp->factor, gp->x, gp->n, &m);
    memcpy(gp->alpha, y, gp->n * sizeof *y);
    return solve(gp->factor, gp->alpha, gp->n, err);
}

sg_status sg_gp_condition(sg_gp *gp, const double *x, const double *y, size_t n, size_t width,
        const int *group, size_t groups, const sg_gp_theta *theta, sg_error *err) {
    memset(gp, 0, sizeof *gp);
    gp->n = n;
    gp->width = width;
    gp->groups = groups;
    gp->x = x;
    gp->group = group;
    gp->theta = *theta;
    gp->factor = malloc(n * n * sizeof *gp->factor);
    gp->alpha = malloc(n * sizeof *gp->alpha);
    gp->cache = malloc(2 * n * sizeof *gp->cache);
    if (!gp->factor || !gp->alpha || !gp->cache) {
        sg_gp_dispose(gp);
        return sg_fail(err, SG_ERR_MEMORY, "out of memory for a model of %zu trials", n);
    }
    sg_status st = refill(gp, y, err);
    for (int decade = 0; st && decade < DECADES; decade++) {
        gp->theta.log_noise += ln_ten;
        st = refill(gp, y, err);
    }
    if (st) sg_gp_dispose(gp);
    return st;
}

void sg_gp_dispose(sg_gp *gp) {
    free(gp->factor);
    free(gp->alpha);
    free(gp->cache);
    memset(gp, 0, sizeof *gp);
}

/* Adds weight * dk(x, xi)/dx. */
static void add_kernel_gradient(
        double *gradient, double weight, const double *x, const double *xi, const metric *m) {
    double r = sqrt(squared_distance(m, x, xi));
    double slope = -5.0 / 3 * shared_signal(m, x, xi) * (1 + sqrt5 * r) * exp(-sqrt5 * r) * weight;
    for (size_t j = 0; j < m->width; j++)
        gradient[j] += slope * (x[j] - xi[j]) * m->inverse[j] * m->inverse[j];
}

void sg_gp_predict(sg_gp *gp, const double *x, double *mean, double *variance,
        double *mean_gradient, double *variance_gradient) {
    size_t n = gp->n, width = gp->width;
    double *k = gp->cache, *v = gp->cache + n;
    metric m = make_metric(width, gp->group, &gp->theta);
    *mean = 0;
    for (size_t i = 0; i < n; i++) {
        k[i] = kernel(&m, x, gp->x + i * width);
        *mean += k[i] * gp->alpha[i];
    }
    memcpy(v, k, n * sizeof *v);
    cblas_dtrsv(CblasColMajor, CblasLower, CblasNoTrans, CblasNonUnit, (int)n, gp->factor, (int)n,
            v, 1);
    double explained = 0;
    for (size_t i = 0; i < n; i++) explained += v[i] * v[i];
    *variance = fmax(m.signal - explained, 1e-12 * m.signal);
    if (mean_gradient) {
        memset(mean_gradient, 0, width * sizeof *mean_gradient);
        for (size_t i = 0; i < n; i++)
            add_kernel_gradient(mean_gradient, gp->alpha[i], x, gp->x + i * width, &m);
    }
    if (variance_gradient) {
        cblas_dtrsv(CblasColMajor, CblasLower, CblasTrans, CblasNonUnit, (int)n, gp->factor, (int)n,
                v, 1);
        memset(variance_gradient, 0, width * sizeof *variance_gradient);
        for (size_t i = 0; i < n; i++)
            add_kernel_gradient(variance_gradient, -2 * v[i], x, gp->x + i * width, &m);
    }
}

/* gradient[p] = 1/2 sum_ij (alpha_i alpha_j - K^-1_ij) dK_ij/dtheta_p, over the lower triangle. */
static void likelihood_gradient(double *gradient, const double *inverse_k, const double *alpha,
        const double *x, size_t n, const int *group, size_t groups, const metric *m) {
    size_t width = m->width;
    memset(gradient, 0, (groups + 2 + (m->time >= 0)) * sizeof *gradient);
    for (size_t j = 0; j < n; j++) {
        double own = 0.5 * (alpha[j] * alpha[j] - inverse_k[j * n + j]);
        gradient[groups] += own * m->signal;
        gradient[groups + 1] += own * m->noise;
        for (size_t i = j + 1; i < n; i++) {
            double weight = alpha[i] * alpha[j] - inverse_k[j * n + i];
            const double *a = x + i * width, *b = x + j * width;
            double squares[SG_GP_WIDTH_MAX], r2 = 0;
            for (size_t c = 0; c < width; c++) {
                double d = (a[c] - b[c]) * m->inverse[c];
                squares[c] = d * d;
                r2 += squares[c];
            }
            double r = sqrt(r2), common = weight * shared_signal(m, a, b) * exp(-sqrt5 * r);
            double by_signal = common * (1 + sqrt5 * r + 5.0 / 3 * r2);
            double slope = common * 5.0 / 3 * (1 + sqrt5 * r);
            gradient[groups] += by_signal;
            for (size_t c = 0; c < width; c++)
                if (group[c] != SG_GP_TIME) gradient[group[c]] += slope * squares[c];
            if (m->time >= 0) gradient[groups + 2] -= by_signal * apart_in_time(m, a, b);
        }
    }
}

sg_status sg_gp_likelihood(double *value, double *gradient, const double *x, const double *y,
        size_t n, size_t width, const int *group, size_t groups, const sg_gp_theta *theta,
        double *work, sg_error *err) {
    double *factor = work, *alpha = work + n * n;
    metric m = make_metric(width, group, theta);
    fill(factor, x, n, &m);
    memcpy(alpha, y, n * sizeof *y);
    sg_status st = solve(factor, alpha, n, err);
    if (st) return st;
    *value = likelihood_of(factor, alpha, y, n);
    if (!gradient) return SG_OK;
    int info = LAPACKE_dpotri_work(LAPACK_COL_MAJOR, 'L', (int)n, factor, (int)n);
    if (info) return sg_fail(err, SG_ERR_NUMERIC, "the covariance of %zu trials has no inverse", n);
    likelihood_gradient(gradient, factor, alpha, x, n, group, groups, &m);
    return SG_OK;
}

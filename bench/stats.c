/* stats.c - do the intervals hold what they promise? Wilson's by exact enumeration, the others by
 * simulation: fixed seeds, the share of simulated studies whose interval holds the truth, with the
 * share's own standard error. Nothing here is tuned to the outcome.
 *
 *   stats [-n studies] [-b draws] [-l line]     10,000 simulated studies, 1,000 bootstrap draws in
 *                                               each; -l: one line of the table alone, from 1
 *
 * Prints a Markdown table (docs/internals/stats.md holds one run) and how long 10,000 draws of all
 * figures of 780 images take.
 * SPDX-License-Identifier: Apache-2.0 */
#include "studies.h"

#include "base/str.h"
#include "stats/bootstrap.h"
#include "stats/classification.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static void must(sg_status status, const sg_error *err) {
    if (status == SG_OK) return;
    fprintf(stderr, "bench/stats: %s\n", err->message);
    exit(1);
}

typedef struct line {
    const char *names[STUDY_OUTCOMES_MAX];
    const char *setting_text;
    void (*simulate)(study *s);
    double setting[4], nominal;
} line;

static const line lines[] = {
        {{"DeLong, area"}, "0.80; 50 + 50 rows", simulate_delong_area, {0.8, 50, 50}, 0.95},
        {{"DeLong, area"}, "0.95; 100 + 300 rows", simulate_delong_area, {0.95, 100, 300}, 0.95},
        {{"DeLong, area"}, "0.97; 20 + 60 rows", simulate_delong_area, {0.97, 20, 60}, 0.95},
        {{"DeLong, difference"}, "0.85 - 0.80; 60 + 60 rows", simulate_delong_difference,
                {0.85, 0.8, 60}, 0.95},
        {{"bootstrap over groups, BCa", "the same, percentile", "Wilson, groups ignored"},
                "0.80; 150 groups of 1 to 3", simulate_grouped_share, {0.8, 150}, 0.95},
        {{"bootstrap over groups, BCa", "the same, percentile", "Wilson, groups ignored"},
                "0.95; 60 groups of 1 to 3", simulate_grouped_share, {0.95, 60}, 0.95},
        {{"sign-flip over groups"}, "no difference; 60 groups", simulate_sign_flip, {0.8, 60},
                0.95},
        {{"calibration error (top label)", "Brier score, BCa"}, "gap 0.05; 445 rows",
                simulate_calibration, {0.05, 445}, 0.95},
        {{"calibration error (top label)", "Brier score, BCa"}, "gap 0.10; 445 rows",
                simulate_calibration, {0.1, 445}, 0.95},
        {{"calibration error (top label)", "Brier score, BCa"}, "no gap; 445 rows",
                simulate_calibration, {0, 445}, 0.95},
        {{"predictive value, PPV", "predictive value, NPV"}, "0.90 and 0.85 at 0.05; 60 + 60 rows",
                simulate_predictive_values, {0.9, 0.85, 0.05, 60}, 0.95},
        {{"net benefit, BCa"}, "threshold 0.3; 300 rows", simulate_net_benefit, {0.3, 300}, 0.95},
        {{"conformal set, one new row"}, "50 calibration rows, 46 / 51 is exact",
                simulate_conformal, {50, 0.1}, 46.0 / 51},
        {{"simulate_kappa, asymptotic"}, "0.60; 100 rows", simulate_kappa, {0.6, 100}, 0.95},
        {{"readers' mean area", "readers less model"}, "5 readers, 50 + 50 rows", simulate_readers,
                {1.5, 5, 50}, 0.95},
        {{"readers' mean area", "readers less model"}, "3 readers, 100 + 100 rows",
                simulate_readers, {2.0, 3, 100}, 0.95},
        {{"corrected resampled t", "the same, uncorrected"}, "no difference; 10 x 10 folds",
                simulate_repeated_folds, {0}, 0.95},
        {{"jackknife over groups, area", "DeLong, groups ignored"}, "0.80; 120 groups of 1 to 3",
                simulate_grouped_area, {0.8, 120}, 0.95},
};

static void run_line(const line *l, size_t index, size_t studies, size_t draws) {
    size_t covered[STUDY_OUTCOMES_MAX] = {0};
    for (size_t i = 0; i < studies; i++) {
        study s = {.rng = sg_rng_make(index, SG_RNG_TEST, (uint32_t)i, 0),
                .draws = draws,
                .seed = 1000003 * index + i};
        for (int k = 0; k < 4; k++) s.setting[k] = l->setting[k];
        l->simulate(&s);
        for (int o = 0; o < STUDY_OUTCOMES_MAX; o++) covered[o] += s.covered[o];
    }
    for (int o = 0; o < STUDY_OUTCOMES_MAX && l->names[o]; o++) {
        double share = (double)covered[o] / (double)studies;
        double error = sqrt(share * (1 - share) / (double)studies), gap = share - l->nominal;
        const char *verdict = fabs(gap) <= 2 * error ? "holds" : gap < 0 ? "short" : "wide";
        printf("| %s | %s | %.1f %% | %.2f %% | %.2f | %s |\n", l->names[o], l->setting_text,
                100 * l->nominal, 100 * share, 100 * error, verdict);
    }
    fflush(stdout);
}

/* Coverage of Wilson's bounds by enumeration of all counts, and by the score test that they invert;
 * prints the largest gap between the two. */
static void enumerate_wilson(void) {
    static const size_t sizes[] = {10, 30, 100, 445};
    static const double shares[] = {0.5, 0.8, 0.9, 0.95, 0.99};
    double z = sg_normal_quantile(0.975), worst = 0;
    for (size_t a = 0; a < sizeof sizes / sizeof *sizes; a++)
        for (size_t b = 0; b < sizeof shares / sizeof *shares; b++) {
            double n = (double)sizes[a], p = shares[b], bounds = 0, score = 0;
            for (size_t k = 0; k <= sizes[a]; k++) {
                double c = (double)k, mass = exp(lgamma(n + 1) - lgamma(c + 1) - lgamma(n - c + 1) +
                                                 c * log(p) + (n - c) * log(1 - p));
                sg_interval w = sg_interval_wilson(k, sizes[a], 0.95);
                if (w.low <= p && p <= w.high) bounds += mass;
                if (fabs(c - n * p) <= z * sqrt(n * p * (1 - p))) score += mass;
            }
            worst = fmax(worst, fabs(bounds - score));
            printf("| Wilson, exact | %.2f; %zu rows | 95.0 %% | %.2f %% | 0 | %s |\n", p, sizes[a],
                    100 * bounds, bounds < 0.95 ? "short" : "wide");
        }
    printf("\nWilson: bounds and the score test they invert differ by at most %.1e in coverage.\n",
            worst);
}

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void time_bootstrap(void) {
    enum { N = 780, CLASSES = 3 };
    static uint32_t labels[N], predicted[N];
    static double p[N * CLASSES];
    sg_rng rng = sg_rng_make(0, SG_RNG_TEST, 0, 0);
    sg_bootstrap_options options = SG_BOOTSTRAP_OPTIONS_INIT;
    sg_bootstrap_classifier figures;
    sg_error err = SG_ERROR_INIT;
    for (size_t i = 0; i < N; i++) {
        double sum = 0;
        labels[i] = sg_rng_below(&rng, CLASSES);
        for (uint32_t k = 0; k < CLASSES; k++)
            sum += p[i * CLASSES + k] = exp(sg_rng_normal(&rng) + (k == labels[i] ? 1.5 : 0));
        for (uint32_t k = 0; k < CLASSES; k++) p[i * CLASSES + k] /= sum;
    }
    must(sg_classification_decide(predicted, p, N, CLASSES, &err), &err);
    sg_bootstrap_sample sample = {labels, NULL, N, CLASSES};
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    must(sg_bootstrap_classify(&figures, &sample, predicted, p, &options, &err), &err);
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    sg_bootstrap_classifier_dispose(&figures);
    printf("\n%zu draws of all figures of %d images, %d classes: %.2f s, %.2f s of one core.\n",
            options.draws, N, CLASSES, wall, cpu);
}

int main(int argc, char **argv) {
    long long studies = 10000, draws = 1000, only = 0;
    for (int option; (option = getopt(argc, argv, "n:b:l:")) != -1;) {
        long long *to = option == 'n'   ? &studies
                        : option == 'b' ? &draws
                        : option == 'l' ? &only
                                        : NULL;
        if (!to || !sg_parse_int64(to, optarg) || *to < 1 || *to > 10000000) {
            fprintf(stderr, "usage: stats [-n studies] [-b draws] [-l line]\n");
            return 2;
        }
    }
    printf("%lld simulated studies, %lld bootstrap draws in each; verdict: nominal within two\n"
           "standard errors (holds), below (short), above (wide).\n\n"
           "| interval or test | truth; size | nominal | coverage | +- | verdict |\n"
           "|---|---|---|---|---|---|\n",
            studies, draws);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (!only || (size_t)only == i + 1)
            run_line(&lines[i], i + 1, (size_t)studies, (size_t)draws);
    if (only) return 0;
    enumerate_wilson();
    time_bootstrap();
    return 0;
}

/* audit_pairs.c - how well the audit finds copies among phantoms, whose truth is known.
 *
 *   audit_pairs [PER_CLASS [SEEDS]]      images in each class (150), seeds 1..SEEDS (3)
 *
 * For each seed a set with a share of 0.3 near-copies and 0.1 contradictions in each class, then
 * one of distinct phantoms only. Prints one JSON object a set: pairs that should and do share a
 * group, precision, recall, F1, contradictory pairs found, images flagged (in any pair, doubtful or
 * not) without need, and seconds of this process on its one thread. SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/csv.h"
#include "data/audit.h"
#include "data/phantom.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* sources[row]: what the image was made from, borrowed from the table or the manifest. */
static sg_status read_sources(
        const char **sources, sg_csv *truth, const sg_manifest *m, const char *set, sg_error *err) {
    char *path = sg_path_join(set, SG_PHANTOM_TRUTH);
    sg_status status = path ? sg_csv_read(truth, path, err) : SG_ERR_MEMORY;
    free(path);
    for (size_t i = 0; !status && i < truth->rows; i++) {
        long row = sg_manifest_find(m, sg_csv_cell(truth, i, sg_csv_column(truth, "path")));
        if (row < 0) return sg_fail(err, SG_ERR_INTERNAL, "the truth names an unknown image");
        const char *source = sg_csv_cell(truth, i, sg_csv_column(truth, "source"));
        sources[row] = *source ? source : m->rows[row].path;
    }
    return status;
}

static void print_result(
        const sg_audit *a, const char *const *sources, int seed, const char *what, double seconds) {
    const sg_manifest *m = &a->manifest;
    size_t wanted = 0, found = 0, right = 0, conflicts = 0, conflicts_found = 0, flagged = 0;
    for (size_t i = 0; i < m->count; i++)
        for (size_t k = i + 1; k < m->count; k++) {
            bool same = strcmp(sources[i], sources[k]) == 0;
            bool joined = m->rows[i].group == m->rows[k].group;
            bool across = same && m->rows[i].class_index != m->rows[k].class_index;
            wanted += same;
            found += joined;
            right += same && joined;
            conflicts += across;
            conflicts_found += across && joined;
        }
    for (size_t i = 0; i < a->pair_count; i++)
        flagged += strcmp(sources[a->pairs[i].a], sources[a->pairs[i].b]) != 0;
    printf("{\"set\": \"%s\", \"seed\": %d, \"images\": %zu, \"pairs\": %zu, \"found\": %zu, "
           "\"precision\": %.4f, \"recall\": %.4f, \"f1\": %.4f, \"conflicts\": %zu, "
           "\"conflicts_found\": %zu, \"false_pairs_listed\": %zu, \"seconds\": %.2f}\n",
            what, seed, m->count, wanted, found, found ? (double)right / (double)found : 1,
            wanted ? (double)right / (double)wanted : 1,
            wanted + found ? 2 * (double)right / (double)(wanted + found) : 1, conflicts,
            conflicts_found, flagged, seconds);
    fflush(stdout);
}

static sg_status measure(const char *set, int per_class, int seed, bool copies, sg_error *err) {
    sg_phantom_options o = SG_PHANTOM_OPTIONS_INIT;
    o.per_class = per_class;
    o.seed = (uint64_t)seed;
    o.duplicates = copies ? 0.3 : 0;
    o.conflicts = copies ? 0.1 : 0;
    const sg_audit_options how = {0};
    sg_audit audit = {0};
    sg_csv truth = {0};
    const char **sources = NULL;
    sg_status status = sg_phantom_write_set(set, &o, true, NULL, NULL, err);
    double since = now();
    if (!status) status = sg_audit_run(&audit, set, &how, err);
    double seconds = now() - since;
    if (!status) {
        sources = calloc(audit.manifest.count, sizeof *sources);
        status = sources ? read_sources(sources, &truth, &audit.manifest, set, err)
                         : sg_fail(err, SG_ERR_MEMORY, "out of memory");
    }
    if (!status) print_result(&audit, sources, seed, copies ? "copies" : "distinct", seconds);
    free(sources);
    sg_csv_dispose(&truth);
    sg_audit_dispose(&audit);
    return status;
}

int main(int argc, char **argv) {
    int per_class = argc > 1 ? atoi(argv[1]) : 150, seeds = argc > 2 ? atoi(argv[2]) : 3;
    const char *temporary = getenv("TMPDIR");
    char folder[4096];
    snprintf(folder, sizeof folder, "%s/sonograde-bench.XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) return 1;
    char *set = sg_path_join(folder, "set");
    sg_error err = SG_ERROR_INIT;
    sg_status status = set ? SG_OK : SG_ERR_MEMORY;
    for (int copies = 1; copies >= 0; copies--)
        for (int seed = 1; seed <= seeds && !status; seed++)
            status = measure(set, copies ? per_class : 334, seed + 10 * !copies, copies, &err);
    (void)!sg_dir_remove(folder, NULL);
    free(set);
    if (status) fprintf(stderr, "audit_pairs: %s\n", err.message);
    return status ? 1 : 0;
}

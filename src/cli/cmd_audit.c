/* cmd_audit.c - `sonograde audit`: copies, contradictory labels and images that do not belong,
 * found before anything is learned; and the cohort that remains. SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/thread.h"
#include "cli/audit_page.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "data/audit.h"
#include <stdlib.h>
#include <string.h>

typedef struct audit_options {
    const char *out, *manifest, *group_by, *decisions;
    long long threads;
} audit_options;

#define AT(member) offsetof(audit_options, member)
static const sg_option options[] = {
        {"out", 'o', SG_OPTION_PATH, AT(out), NULL, "DIR", "folder for what is found", 0, 0},
        {"manifest", 0, SG_OPTION_PATH, AT(manifest), NULL, "FILE",
                "a table with the columns path and class; DIR is then where its paths start", 0, 0},
        {"group-by", 0, SG_OPTION_TEXT, AT(group_by), NULL, "COLUMN|REGEX",
                "groups of the set's own (patients), which no split divides either: a column of "
                "--manifest, or a pattern with one capture on the path",
                0, 0},
        {"decisions", 0, SG_OPTION_PATH, AT(decisions), NULL, "FILE",
                "a person's verdicts: a table with the columns a, b and verdict (confirm or "
                "reject; "
                "without b: exclude or keep), as audit.html saves it",
                0, 0},
        {"threads", 0, SG_OPTION_INT, AT(threads), "0", "N", "threads; 0 = all processors", 0,
                1024},
        {0},
};

static sg_status check_usage(const sg_call *call, sg_error *err) {
    const audit_options *o = call->options;
    if (!call->operand_count && !o->manifest)
        return sg_fail(err, SG_ERR_USAGE, "name a folder of images, or --manifest FILE");
    if (!o->out) return sg_fail(err, SG_ERR_USAGE, "say where the findings go: --out DIR");
    if (!call->operand_count) return SG_OK;
    size_t n = strlen(call->operands[0]);
    while (n > 1 && call->operands[0][n - 1] == '/') n--;
    if (strncmp(o->out, call->operands[0], n) == 0 && (o->out[n] == '/' || !o->out[n]))
        return sg_fail(err, SG_ERR_USAGE,
                "--out %s lies inside the images, where its pictures would be taken for a class; "
                "choose a folder beside them",
                o->out);
    return SG_OK;
}

/* What a person should know before relying on the groups. */
static void warn(const sg_audit *audit, const sg_call *call) {
    size_t apart = 0;
    for (size_t i = 0; i < audit->pair_count; i++)
        apart += audit->pairs[i].verdict == SG_VERDICT_REJECTED && audit->pairs[i].together;
    if (apart)
        sg_log_line(call->log, SG_LOG_WARN,
                "rejected pairs that stay in one group through other images: %zu; reject the pairs "
                "that hold them together too (audit.json, \"one_group\")",
                apart);
    if (audit->decisions_unused)
        sg_log_line(call->log, SG_LOG_WARN,
                "verdicts on an image that is not here, or rejecting a pair that was not found: "
                "%zu",
                audit->decisions_unused);
}

static sg_status run_audit(sg_audit *audit, const sg_call *call, sg_error *err) {
    const audit_options *o = call->options;
    int threads = o->threads > 0 ? (int)o->threads : sg_cpu_count();
    sg_pool *pool;
    sg_status status = sg_pool_create(&pool, threads - 1, err);
    if (status) return status;
    sg_pool_set_stop(pool, &sg_cli_stop);
    sg_audit_options how = {.manifest = o->manifest,
            .group_by = o->group_by,
            .decisions = o->decisions,
            .pool = pool,
            .log = call->log};
    status = sg_audit_run(audit, call->operand_count ? call->operands[0] : NULL, &how, err);
    sg_pool_destroy(pool);
    return status;
}

/* ---- what is written ---- */

typedef sg_status (*write_table)(const sg_audit *audit, const char *path, sg_error *err);

static sg_status write_manifest(const sg_audit *audit, const char *path, sg_error *err) {
    return sg_manifest_write(&audit->manifest, path, err);
}

static const struct {
    const char *name;
    write_table write;
} tables[] = {{"manifest.csv", write_manifest}, {"cohort.csv", sg_audit_write_cohort},
        {"excluded.csv", sg_audit_write_excluded}};

static sg_status write_page(
        const sg_audit *audit, const char *dir, const sg_log *log, sg_error *err) {
    char *path = sg_path_join(dir, "audit.html");
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory for a path");
    sg_status status = sg_audit_page_make(audit, path, log, err);
    free(path);
    return status;
}

/* audit.json comes last: where it lies, the rest is there. */
static sg_status write_files(const sg_audit *audit, const json_t *json, const char *dir,
        const sg_log *log, sg_error *err) {
    sg_status status = sg_dir_make(dir, err);
    if (!status) status = write_page(audit, dir, log, err);
    for (size_t i = 0; i <= sizeof tables / sizeof *tables && !status; i++) {
        bool last = i == sizeof tables / sizeof *tables;
        char *path = sg_path_join(dir, last ? "audit.json" : tables[i].name);
        if (!path)
            status = sg_fail(err, SG_ERR_MEMORY, "out of memory for a path");
        else
            status = last ? sg_json_write(json, path, err) : tables[i].write(audit, path, err);
        free(path);
    }
    return status;
}

/* ---- what is told ---- */

static size_t count_pairs(const sg_audit *audit, bool joined, bool across) {
    const sg_manifest_row *rows = audit->manifest.rows;
    size_t n = 0;
    for (size_t i = 0; i < audit->pair_count; i++) {
        const sg_audit_pair *p = &audit->pairs[i];
        if (p->joined != joined || p->verdict == SG_VERDICT_REJECTED) continue;
        n += !across || rows[p->a].class_index != rows[p->b].class_index;
    }
    return n;
}

static size_t count_fate(const sg_audit *audit, sg_fate fate) {
    size_t n = 0;
    for (size_t i = 0; i < audit->manifest.count; i++) n += audit->fates[i].fate == fate;
    return n;
}

/* "mark", "outside the domain"...: how many images, and how often each word. */
static void print_findings(const sg_audit *audit, sg_finding_kind kind, const char *words) {
    enum { WORDS = 16 };
    const char *what[WORDS];
    size_t counts[WORDS] = {0}, n = 0, images = 0;
    long last = -1;
    for (size_t i = 0; i < audit->finding_count; i++) {
        const sg_finding *f = &audit->findings[i];
        if (f->kind != kind) continue;
        images += f->row != last;
        last = f->row;
        size_t k = 0;
        while (k < n && strcmp(what[k], f->what) != 0) k++;
        if (k == WORDS) continue;
        if (k == n) what[n++] = f->what;
        counts[k]++;
    }
    if (!images) return;
    printf("%zu %s %s", images, images == 1 ? "image" : "images", words);
    for (size_t k = 0; k < n; k++) printf("%s%s %zu", k ? ", " : ": ", what[k], counts[k]);
    putchar('\n');
}

static sg_status print_plain(const sg_audit *audit, const char *out, sg_error *err) {
    sg_manifest_summary s;
    sg_status status = sg_audit_summarize(&s, audit, err);
    if (status) return status;
    printf("%zu images in %zu groups; %zu groups hold more than one image (%zu images, at most "
           "%zu)\n",
            s.images, s.groups, s.shared_groups, s.shared_images, s.largest_group);
    if (audit->manifest.own_grouping)
        printf("%zu groups that no split may divide: these, joined with the set's own (%s)\n",
                audit->manifest.group_count, audit->manifest.own_grouping);
    printf("%zu pairs joined, %zu of them across classes; %zu pairs in doubt, left to a person\n",
            count_pairs(audit, true, false), count_pairs(audit, true, true),
            count_pairs(audit, false, false));
    printf("%zu groups hold more than one class (%zu images)\n", s.conflicting_groups,
            s.conflicting_images);
    if (audit->manifest.skip_count)
        printf("%zu files cannot be read\n", audit->manifest.skip_count);
    print_findings(audit, SG_FINDING_DOMAIN, "outside the domain");
    print_findings(audit, SG_FINDING_MARK, "with marks burnt in");
    print_findings(audit, SG_FINDING_OUTLIER, "far from the others in size or intensity");
    printf("cohort: %zu images", count_fate(audit, SG_FATE_KEPT));
    for (int f = SG_FATE_KEPT + 1; f < SG_FATES; f++) {
        size_t n = count_fate(audit, (sg_fate)f);
        if (n) printf("; %s %zu", sg_fate_name((sg_fate)f), n);
    }
    fputs("\nwritten: ", stdout);
    sg_cli_print_safe(stdout, out);
    puts("/audit.html, audit.json, manifest.csv, cohort.csv, excluded.csv");
    return SG_OK;
}

static int run(const sg_call *call) {
    const audit_options *o = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_audit audit = {0};
    json_t *json = NULL;
    sg_status status = check_usage(call, &err);
    if (!status) status = run_audit(&audit, call, &err);
    if (!status) {
        warn(&audit, call);
        json = sg_audit_to_json(&audit);
        if (!json) status = sg_fail(&err, SG_ERR_MEMORY, "out of memory for audit.json");
    }
    if (!status) status = write_files(&audit, json, o->out, call->log, &err);
    if (!status && call->json)
        sg_cli_print_json(json_incref(json));
    else if (!status && !call->quiet)
        status = print_plain(&audit, o->out, &err);
    json_decref(json);
    sg_audit_dispose(&audit);
    return status ? sg_cli_fail(&err) : SG_EXIT_OK;
}

const sg_verb sg_verb_audit = {
        .name = "audit",
        .operands = "[DIR]",
        .summary = "find copies and contradictory labels, and the cohort that remains",
        .details =
                "Looks for the same picture under two names: equal files, equal pixels, and copies "
                "that were cropped, scaled, mirrored, turned a little, brightened or drawn upon. "
                "What shows one picture becomes one group, which no split divides. Where the set "
                "names "
                "groups of its own (--group-by, or a table's column 'group'), no split "
                "divides those either, joined with what shows one picture; contradictory labels "
                "are looked for within one picture only.\n\n"
                "Writes audit.html (a page to look at and to decide on), audit.json (groups, pairs "
                "with scores, findings by kind), manifest.csv "
                "(every image with its group; train, data split and evaluate take it with "
                "--manifest), cohort.csv (the same for one image per lesion, none in doubt) and "
                "excluded.csv (why each other image left). Pairs in doubt are not joined: "
                "--decisions takes a person's verdicts, which audit.html saves.",
        .examples = "sonograde audit Dataset_BUSI_with_GT --out audit\n"
                    "sonograde audit Dataset_BUSI_with_GT --out audit --decisions verdicts.csv\n"
                    "sonograde data split --manifest audit/manifest.csv --folds 5 -o folds.csv",
        .options = options,
        .struct_size = sizeof(audit_options),
        .min_operands = 0,
        .max_operands = 1,
        .run = run,
};

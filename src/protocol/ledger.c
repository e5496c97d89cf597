/* ledger.c - see ledger.h: what a new look finds among the earlier ones.
 * SPDX-License-Identifier: Apache-2.0 */
#include "protocol/ledger.h"
#include "base/version.h"
#include "protocol/ledger_file.h"
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory with the ledger of evaluations");
}

const char *sg_look_order_name(sg_look_order order) {
    static const char *const names[] = {
            "first look", "compared", "trained after a look", "order unknown", "not entered"};
    return names[order];
}

sg_status sg_ledger_default_path(char **out, sg_error *err) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state && state[0] == '/')
        *out = sg_strdupf("%s/sonograde/ledger.jsonl", state);
    else if (home && home[0] == '/')
        *out = sg_strdupf("%s/.local/state/sonograde/ledger.jsonl", home);
    else
        return sg_fail(err, SG_ERR_INPUT,
                "there is no place for the ledger of test evaluations: neither XDG_STATE_HOME nor "
                "HOME is an absolute path; set one, or name a file with --ledger");
    return *out ? SG_OK : no_memory(err);
}

/* ---- this look ---- */

static int compare_texts(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A sorted list of distinct strings. */
static json_t *sorted_list(const char **texts, size_t n) {
    qsort(texts, n, sizeof *texts, compare_texts);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (i == 0 || strcmp(texts[i], texts[i - 1]) != 0)
            json_array_append_new(list, json_string(texts[i]));
    return list;
}

static json_t *list_images(const sg_predictions *p) {
    const char **texts = malloc(p->count * sizeof *texts + 1);
    for (size_t i = 0; texts && i < p->count; i++) texts[i] = p->rows[i].sha256;
    json_t *list = texts ? sorted_list(texts, p->count) : NULL;
    free(texts);
    return list;
}

static json_t *list_members(const sg_predictions *p) {
    size_t n = json_array_size(p->models);
    const char **texts = malloc(n * sizeof *texts + 1);
    for (size_t i = 0; texts && i < n; i++) {
        const json_t *model = json_array_get(p->models, i);
        const char *digest = json_string_value(json_object_get(model, "parameters_sha256"));
        texts[i] = digest ? digest : "";
    }
    json_t *list = texts ? sorted_list(texts, n) : NULL;
    free(texts);
    return list;
}

/* ---- against the earlier ones ---- */

/* How many strings two sorted lists share; marks[i] (may be NULL) is set for those of the first. */
static size_t count_common(const json_t *a, const json_t *b, bool *marks) {
    size_t common = 0;
    for (size_t i = 0, k = 0; i < json_array_size(a) && k < json_array_size(b);) {
        int order = strcmp(
                json_string_value(json_array_get(a, i)), json_string_value(json_array_get(b, k)));
        if (order == 0) {
            if (marks) marks[i] = true;
            common++;
        }
        i += order <= 0;
        k += order >= 0;
    }
    return common;
}

/* How many looks there were when the youngest member's training began; -1 where one does not tell.
 */
static long looks_at_start(const sg_ledger *l, const sg_predictions *p) {
    long latest = 0;
    for (size_t m = 0; m < json_array_size(p->models); m++) {
        const json_t *mark = json_object_get(json_array_get(p->models, m), "ledger");
        const char *last = json_string_value(json_object_get(mark, "last_look"));
        if (!last) return -1;
        long at = 0;
        while (*last && at < (long)l->count && strcmp(l->looks[at].id, last) != 0) at++;
        if (*last && at == (long)l->count) return -1; /* of another ledger */
        if (*last) at++;
        if (at > latest) latest = at;
    }
    return latest;
}

typedef struct comparison {
    const sg_ledger *ledger;
    const json_t *images, *members;
    const char *settings;
    size_t *touching, count; /* looks at any of these images, in order */
} comparison;

static bool is_own(const comparison *c, const sg_ledger_look *look) {
    return count_common(c->members, look->members, NULL) > 0;
}

/* Place in `touching` of the first look with this model (and these settings); count when none. */
static size_t first_own(const comparison *c, const char *settings) {
    size_t i = 0;
    for (; i < c->count; i++) {
        const sg_ledger_look *look = &c->ledger->looks[c->touching[i]];
        if (is_own(c, look) && (!settings || strcmp(look->settings, settings) == 0)) break;
    }
    return i;
}

static size_t count_other_settings(const comparison *c) {
    size_t end = first_own(c, c->settings), found = 0;
    for (size_t i = 0; i < end; i++) {
        const sg_ledger_look *look = &c->ledger->looks[c->touching[i]];
        bool fresh = is_own(c, look);
        for (size_t k = 0; k < i && fresh; k++) {
            const sg_ledger_look *before = &c->ledger->looks[c->touching[k]];
            fresh = !is_own(c, before) || strcmp(before->settings, look->settings) != 0;
        }
        found += fresh;
    }
    return found;
}

static sg_status compare(
        sg_test_look *out, const comparison *c, const sg_predictions *p, sg_error *err) {
    size_t end = first_own(c, NULL), n = json_array_size(c->images);
    long start = looks_at_start(c->ledger, p);
    bool *seen = calloc(n + 1, sizeof *seen), after = false;
    if (!seen) return no_memory(err);
    *out = (sg_test_look){.total = c->count + 1, .earlier = end};
    for (size_t i = 0; i < end; i++) {
        const sg_ledger_look *look = &c->ledger->looks[c->touching[i]];
        count_common(c->images, look->images, seen);
        after |= (long)c->touching[i] < start;
        bool fresh = true;
        for (size_t k = 0; k < i && fresh; k++)
            fresh = !json_equal(c->ledger->looks[c->touching[k]].members, look->members);
        out->earlier_models += fresh;
    }
    for (size_t i = 0; i < n; i++) out->images_before += seen[i];
    free(seen);
    out->own_settings = count_other_settings(c);
    out->order = end == 0    ? SG_LOOK_FIRST
                 : start < 0 ? SG_LOOK_UNKNOWN_ORDER
                 : after     ? SG_LOOK_TRAINED_AFTER
                             : SG_LOOK_COMPARED;
    return SG_OK;
}

sg_status sg_ledger_enter(sg_test_look *out, const char *path, const sg_predictions *p,
        const char *settings, sg_error *err) {
    sg_ledger ledger;
    sg_status st = sg_ledger_open(&ledger, path, err);
    if (st) return st;
    json_t *images = list_images(p), *members = list_members(p);
    comparison c = {
            &ledger, images, members, settings, calloc(ledger.count + 1, sizeof *c.touching), 0};
    st = images && members && c.touching ? SG_OK : no_memory(err);
    for (size_t i = 0; i < ledger.count && !st; i++)
        if (count_common(images, ledger.looks[i].images, NULL)) c.touching[c.count++] = i;
    sg_test_look found;
    if (!st) st = compare(&found, &c, p, err);
    if (!st) st = sg_ledger_add(&ledger, images, members, settings, err);
    if (!st) *out = found;
    free(c.touching);
    json_decref(images);
    json_decref(members);
    sg_ledger_close(&ledger);
    return st;
}

json_t *sg_look_to_json(const sg_test_look *look) {
    return json_pack("{s:s, s:I, s:I, s:I, s:I}", "order", sg_look_order_name(look->order),
            "earlier_evaluations", (json_int_t)look->earlier, "earlier_models",
            (json_int_t)look->earlier_models, "images_seen_before", (json_int_t)look->images_before,
            "other_settings_before", (json_int_t)look->own_settings);
}

/* ---- notes in models and runs ---- */

static bool lists_look(const json_t *looks, const char *id) {
    for (size_t i = 0; i < json_array_size(looks); i++) {
        const char *known = json_string_value(json_object_get(json_array_get(looks, i), "id"));
        if (known && strcmp(known, id) == 0) return true;
    }
    return false;
}

/* Adds the looks with this member that the note does not have yet. */
static sg_status annotate_member(
        json_t *note, const sg_ledger *l, const char *parameters, sg_error *err) {
    json_t *looks = json_object_get(note, "looks");
    if (!json_is_array(looks)) {
        looks = json_array();
        if (json_object_set_new(note, "looks", looks)) return no_memory(err);
    }
    json_t *member = json_pack("[s]", parameters);
    if (!member) return no_memory(err);
    sg_status st = SG_OK;
    for (size_t i = 0; i < l->count && !st; i++) {
        const sg_ledger_look *look = &l->looks[i];
        if (!count_common(member, look->members, NULL) || lists_look(looks, look->id)) continue;
        json_t *entry = json_pack("{s:s, s:s, s:I, s:s}", "id", look->id, "set", look->set,
                "images", (json_int_t)json_array_size(look->images), "settings", look->settings);
        if (!entry || json_array_append_new(looks, entry)) st = no_memory(err);
    }
    json_decref(member);
    return st;
}

sg_status sg_ledger_annotate(sg_bundle *b, const char *path, sg_error *err) {
    sg_ledger ledger;
    sg_status st = sg_ledger_open(&ledger, path, err);
    if (st) return st;
    for (int i = 0; i < b->member_count && !st; i++) {
        const sg_member *m = &b->members[i];
        char parameters[SG_SHA256_HEX];
        sg_params_sha256(parameters, m->params);
        if (!json_is_object(json_array_get(b->ledgers, (size_t)i)))
            json_array_set_new(
                    b->ledgers, (size_t)i, json_pack("{s:i}", "schema", SG_SCHEMA_VERSION));
        json_t *note = json_array_get(b->ledgers, (size_t)i);
        st = note ? annotate_member(note, &ledger, parameters, err) : no_memory(err);
    }
    sg_ledger_close(&ledger);
    return st;
}

sg_status sg_ledger_mark(const char *dir, const char *path, sg_error *err) {
    char *file = sg_path_join(dir, "ledger.json");
    if (!file) return no_memory(err);
    sg_ledger ledger;
    sg_status st = SG_OK;
    if (!sg_path_exists(file) && !(st = sg_ledger_open(&ledger, path, err))) {
        json_t *mark = json_pack("{s:i, s:s}", "schema", SG_SCHEMA_VERSION, "last_look",
                ledger.count ? ledger.looks[ledger.count - 1].id : "");
        st = mark ? sg_json_write(mark, file, err) : no_memory(err);
        json_decref(mark);
        sg_ledger_close(&ledger);
    }
    free(file);
    return st;
}

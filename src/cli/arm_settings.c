/* arm_settings.c - see arm_settings.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/arm_settings.h"
#include "cli/cli.h"
#include "cli/verbs.h"
#include "cli/weight_facts.h"
#include <ctype.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory gathering settings");
}

/* ---- layers ---- */

/* Takes the text over and applies it. */
static sg_status apply(sg_arm_settings *s, const sg_yaml *yaml, const char *name, sg_error *err) {
    sg_status st = sg_grow(&s->texts, &s->text_capacity, s->text_count + 1, sizeof *s->texts, err);
    if (st) return st;
    s->texts[s->text_count++] = *yaml;
    return sg_options_from_yaml(&s->args, NULL, &sg_verb_train, yaml, name, err);
}

static sg_status apply_text(
        sg_arm_settings *s, const char *text, size_t size, const char *name, sg_error *err) {
    sg_yaml yaml = {0};
    sg_status st = size ? sg_yaml_parse(&yaml, text, size, name, err) : SG_OK;
    if (st || !size) return st;
    size_t before = s->text_count;
    st = apply(s, &yaml, name, err);
    if (st && s->text_count == before) sg_yaml_dispose(&yaml);
    return st;
}

sg_status sg_arm_settings_put(
        sg_arm_settings *s, const char *yaml, const char *name, sg_error *err) {
    return apply_text(s, yaml, strlen(yaml), name, err);
}

/* An option of the verb that means for an arm what it means for train. */
static bool is_train_option(const char *name) {
    static const char *const others[] = {
            "run", "resume", "overwrite", "force-resume", "splits", "fold", NULL};
    if (sg_is_among(others, name)) return false;
    for (const sg_option *o = sg_train_option_rows; o->name; o++)
        if (o->type != SG_OPTION_GROUP && strcmp(o->name, name) == 0) return true;
    return false;
}

/* The verb's options that train has too; all of them, or those that were typed. */
static sg_status apply_verb(sg_arm_settings *s, const sg_call *call, const char *const *unlike,
        bool only_given, sg_error *err) {
    sg_str all, shared;
    sg_yaml yaml = {0};
    sg_str_init(&all, 0);
    sg_str_init(&shared, 0);
    sg_options_to_yaml(&all, call->verb, call->options);
    sg_status st = sg_str_check(&all, err);
    if (!st && all.len) st = sg_yaml_parse(&yaml, all.data, all.len, call->verb->name, err);
    for (size_t i = 0; !st && i < yaml.count; i++) {
        const sg_yaml_entry *e = &yaml.entries[i];
        if (is_train_option(e->key) && !sg_is_among(unlike, e->key) &&
                (!only_given || sg_cli_is_given(call, e->key)))
            sg_yaml_put(&shared, e->key, e->value);
    }
    if (!st) st = sg_str_check(&shared, err);
    if (!st) st = apply_text(s, sg_str_text(&shared), shared.len, call->verb->name, err);
    sg_yaml_dispose(&yaml);
    sg_str_dispose(&all);
    sg_str_dispose(&shared);
    return st;
}

static sg_status apply_config(sg_arm_settings *s, const char *path, sg_error *err) {
    sg_yaml yaml;
    sg_status st = sg_yaml_read(&yaml, path, err);
    if (st) return st;
    size_t before = s->text_count;
    st = apply(s, &yaml, path, err);
    if (st && s->text_count == before) sg_yaml_dispose(&yaml);
    return st;
}

/* ---- --set ---- */

static char *trim(char *text) {
    while (isspace((unsigned char)*text)) text++;
    for (size_t n = strlen(text); n && isspace((unsigned char)text[n - 1]); n--) text[n - 1] = '\0';
    return text;
}

/* Cuts "scope:key=value" in place; scope NULL without one. False when it is no such thing. */
static bool cut_entry(char *entry, char **scope, char **key, char **value) {
    char *equals = strchr(entry, '=');
    if (!equals) return false;
    *equals = '\0';
    char *colon = strchr(entry, ':');
    *scope = NULL;
    if (colon) {
        *colon = '\0';
        *scope = trim(entry);
    }
    *key = trim(colon ? colon + 1 : entry);
    *value = trim(equals + 1);
    return **key && (!*scope || **scope);
}

typedef sg_status on_entry(
        void *user, const char *scope, const char *key, const char *value, sg_error *err);

static sg_status walk_set(const char *set, on_entry *each, void *user, sg_error *err) {
    char *copy = sg_strdup(set ? set : ""), *rest = copy;
    sg_status st = copy ? SG_OK : no_memory(err);
    for (char *item; !st && (item = strsep(&rest, ";"));) {
        char *scope, *key, *value, *entry = trim(item);
        if (!*entry) continue;
        if (!cut_entry(entry, &scope, &key, &value))
            st = sg_fail(err, SG_ERR_USAGE,
                    "--set '%.80s' must be key=value or model:key=value, with ; between several",
                    set);
        else
            st = each(user, scope, key, value, err);
    }
    free(copy);
    return st;
}

typedef struct scopes {
    const char *const *names;
    size_t count;
} scopes;

static sg_status check_scope(
        void *user, const char *scope, const char *key, const char *value, sg_error *err) {
    const scopes *s = user;
    (void)value;
    for (size_t i = 0; scope && i < s->count; i++)
        if (strcmp(s->names[i], scope) == 0) return SG_OK;
    return scope ? sg_fail(err, SG_ERR_USAGE,
                           "--set %s:%s: no arm is called '%s'; the first is '%s'", scope, key,
                           scope, s->count ? s->names[0] : "")
                 : SG_OK;
}

sg_status sg_arm_set_check(const char *set, const char *const *names, size_t count, sg_error *err) {
    scopes s = {names, count};
    return walk_set(set, check_scope, &s, err);
}

typedef struct picked {
    sg_str text;
    const char *scope;
} picked;

static sg_status pick_entry(
        void *user, const char *scope, const char *key, const char *value, sg_error *err) {
    picked *p = user;
    (void)err;
    if (!scope || (p->scope && strcmp(scope, p->scope) == 0)) sg_yaml_put(&p->text, key, value);
    return SG_OK;
}

static sg_status apply_set(sg_arm_settings *s, const char *set, const char *scope, sg_error *err) {
    picked p = {.scope = scope};
    sg_str_init(&p.text, 0);
    sg_status st = walk_set(set, pick_entry, &p, err);
    if (!st) st = sg_str_check(&p.text, err);
    if (!st) st = apply_text(s, sg_str_text(&p.text), p.text.len, "--set", err);
    sg_str_dispose(&p.text);
    return st;
}

/* ---- whole ---- */

sg_status sg_arm_settings_make(
        sg_arm_settings *out, const sg_call *call, const sg_arm_source *source, sg_error *err) {
    sg_arm_settings s = {0};
    sg_status st = sg_options_defaults(&s.args, &sg_verb_train, err);
    if (!st) st = apply_verb(&s, call, source->unlike, false, err);
    s.log = call->log;
    s.stated_from = s.text_count;
    if (!st && source->defaults)
        st = sg_arm_settings_put(&s, source->defaults, "the built-in settings", err);
    if (!st && source->config) st = apply_config(&s, source->config, err);
    if (!st) st = apply_verb(&s, call, source->unlike, true, err);
    if (!st && source->set) st = apply_set(&s, source->set, source->scope, err);
    if (st)
        sg_arm_settings_dispose(&s);
    else
        *out = s;
    return st;
}

/* Was this set, other than by a default of the verb's or train's table? */
static bool is_stated(const sg_arm_settings *s, const char *key) {
    for (size_t i = s->stated_from; i < s->text_count; i++)
        if (sg_yaml_find(&s->texts[i], key)) return true;
    return false;
}

/* An arm is found again, and goes on, from any working folder. */
static sg_status make_absolute(
        sg_arm_settings *s, size_t slot, const char **path, const char *what, sg_error *err) {
    if (!*path) return SG_OK;
    char *full = realpath(*path, NULL);
    if (!full)
        return sg_fail(err, SG_ERR_MISSING, "cannot open the %s %s: check the name", what, *path);
    free(s->paths[slot]);
    s->paths[slot] = full;
    *path = full;
    return SG_OK;
}

sg_status sg_arm_settings_finish(sg_arm_settings *s, sg_error *err) {
    sg_train_args *a = &s->args;
    const sg_weight_stated stated = {is_stated(s, "size"), is_stated(s, "transform-input")};
    sg_status st = make_absolute(s, 0, &a->weights, "weights", err);
    if (!st) st = sg_weight_facts_apply(a, &stated, s->log, err);
    if (!st) st = make_absolute(s, 1, &a->data, "folder", err);
    if (!st) st = make_absolute(s, 2, &a->manifest, "table", err);
    if (!st && !sg_train_is_shape(a->schedule))
        st = make_absolute(s, 3, &a->schedule, "schedule", err);
    if (!st) st = sg_train_settle_first_block(a, err);
    if (!st) st = sg_train_options_from_args(&s->options, a, err);
    sg_train_schedule_dispose(&s->schedule);
    if (!st) st = sg_train_schedule_read(&s->schedule, &s->options, a, err);
    if (st) return st;
    sg_str text;
    sg_str_init(&text, 0);
    sg_options_to_yaml(&text, &sg_verb_train, a);
    free(s->yaml);
    s->yaml = sg_str_take(&text);
    return s->yaml ? SG_OK : no_memory(err);
}

static bool has_key(const char *keys, const char *key) {
    size_t n = strlen(key);
    for (const char *at = keys; (at = strstr(at, key)); at += n)
        if (at >= keys + 2 && at[-1] == ' ' && (at[n] == ',' || !at[n])) return true;
    return false;
}

static void put_unlike(
        sg_str *keys, const sg_yaml *mine, const sg_yaml *theirs, const char *const *apart) {
    for (size_t i = 0; i < mine->count; i++) {
        const sg_yaml_entry *e = &mine->entries[i];
        bool counts = !sg_is_among(apart, e->key) && !has_key(sg_str_text(keys), e->key);
        const sg_yaml_entry *other = sg_yaml_find(theirs, e->key);
        if (counts && strcmp(e->value, other ? other->value : "") != 0)
            sg_str_appendf(keys, ", %s", e->key);
    }
}

sg_status sg_arm_settings_differ(sg_str *keys, const sg_arm_settings *a, const sg_arm_settings *b,
        const char *const *apart, sg_error *err) {
    sg_yaml x = {0}, y = {0};
    sg_status st = sg_yaml_parse(&x, a->yaml, strlen(a->yaml), "settings", err);
    if (!st) st = sg_yaml_parse(&y, b->yaml, strlen(b->yaml), "settings", err);
    if (!st) put_unlike(keys, &x, &y, apart);
    if (!st) put_unlike(keys, &y, &x, apart);
    sg_yaml_dispose(&x);
    sg_yaml_dispose(&y);
    return st ? st : sg_str_check(keys, err);
}

double sg_arm_val_share(const sg_arm_settings *s) {
    if (s->args.val_share >= 0) return s->args.val_share;
    return s->args.select == SG_SELECT_NONE ? 0 : 0.15;
}

void sg_arm_settings_dispose(sg_arm_settings *s) {
    if (!s) return;
    for (size_t i = 0; i < s->text_count; i++) sg_yaml_dispose(&s->texts[i]);
    free(s->texts);
    free(s->yaml);
    sg_train_schedule_dispose(&s->schedule);
    for (size_t i = 0; i < sizeof s->paths / sizeof *s->paths; i++) free(s->paths[i]);
    memset(s, 0, sizeof *s);
}

/* ---- campaign.yaml ---- */

static void put_setting(sg_str *out, const sg_call *call, const sg_yaml_entry *e) {
    bool is_path = false;
    for (const sg_option *o = call->verb->options; o->name; o++)
        if (o->type == SG_OPTION_PATH && strcmp(o->name, e->key) == 0) is_path = true;
    char *full = is_path ? realpath(e->value, NULL) : NULL;
    sg_yaml_put(out, e->key, full ? full : e->value);
    free(full);
}

char *sg_campaign_settings(const sg_call *call, const char *const *free_to_change) {
    sg_str all, text;
    sg_yaml yaml = {0};
    sg_error ignored;
    sg_str_init(&all, 0);
    sg_str_init(&text, 0);
    sg_options_to_yaml(&all, call->verb, call->options);
    sg_yaml_put(&text, "verb", call->verb->name);
    bool ok = sg_str_text(&all)[0] &&
              sg_yaml_parse(&yaml, all.data, all.len, "the settings", &ignored) == SG_OK;
    for (size_t i = 0; ok && i < yaml.count; i++) {
        if (!sg_is_among(free_to_change, yaml.entries[i].key))
            put_setting(&text, call, &yaml.entries[i]);
    }
    sg_yaml_dispose(&yaml);
    sg_str_dispose(&all);
    if (ok) return sg_str_take(&text);
    sg_str_dispose(&text);
    return NULL;
}

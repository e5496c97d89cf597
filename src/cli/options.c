/* options.c - from text to a verb's options struct and back. One function sets one value, whether
 * the text comes from the table's default, a config file or the command line.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_NAMES = 256 };

const sg_option sg_common_options[] = {
        {"config", 0, SG_OPTION_PATH, 0, NULL, "FILE",
                "read defaults from a YAML file whose keys are option names; the command line wins",
                0, 0},
        {"json", 0, SG_OPTION_FLAG, 0, NULL, NULL, "print the result as JSON on standard output", 0,
                0},
        {"quiet", 'q', SG_OPTION_FLAG, 0, NULL, NULL, "say nothing but warnings and errors", 0, 0},
        {"help", 'h', SG_OPTION_FLAG, 0, NULL, NULL, "show this help", 0, 0},
        {0},
};

bool sg_option_is_common(const sg_option *option, const sg_verb *verb) {
    const sg_option *first = sg_common_options + (verb->takes_config ? 0 : 1);
    for (const sg_option *o = first; o->name; o++)
        if (o == option) return true;
    return false;
}

const sg_option *sg_options_at(const sg_verb *verb, size_t n) {
    for (const sg_option *o = verb->options; o && o->name; o++)
        if (n-- == 0) return o;
    for (const sg_option *o = sg_common_options + (verb->takes_config ? 0 : 1); o->name; o++)
        if (n-- == 0) return o;
    return NULL;
}

const char *sg_nearest(const char *word, const char *const *words, size_t n) {
    const char *best = NULL;
    size_t allowed = strlen(word) / 3 < 2 ? 2 : strlen(word) / 3;
    size_t least = allowed + 1;
    for (size_t i = 0; i < n; i++) {
        size_t distance = sg_edit_distance(word, words[i]);
        if (distance >= least) continue;
        least = distance;
        best = words[i];
    }
    return best && least < strlen(word) ? best : NULL;
}

/* Names of the verb's rows, headings left out; with the common ones only for the command line. */
static size_t collect_names(const char *names[MAX_NAMES], const sg_verb *verb, bool common) {
    size_t n = 0;
    const sg_option *o;
    for (size_t i = 0; n < MAX_NAMES && (o = sg_options_at(verb, i)); i++) {
        if (o->type == SG_OPTION_GROUP || (!common && sg_option_is_common(o, verb))) continue;
        names[n++] = o->name;
    }
    return n;
}

/* ---- one value ---- */

/* Index of `text` among "a|b|c", or -1. */
static int choice_index(const char *choices, const char *text) {
    size_t n = strlen(text);
    int index = 0;
    for (const char *p = choices; *p; index++) {
        size_t length = strcspn(p, "|");
        if (length == n && memcmp(p, text, n) == 0) return index;
        p += length + (p[length] == '|');
    }
    return -1;
}

/* Appends choice number `index` of "a|b|c". */
static void put_choice(sg_str *s, const char *choices, int index) {
    const char *p = choices;
    for (; index > 0 && *p; index--) {
        p += strcspn(p, "|");
        if (*p) p++;
    }
    sg_str_append_n(s, p, strcspn(p, "|"));
}

static sg_status check_range(const sg_option *o, double value, const char *text, sg_error *err) {
    static const double endless = 1e15;
    if ((o->low == 0 && o->high == 0) || (value >= o->low && value <= o->high)) return SG_OK;
    if (o->high >= endless)
        return sg_fail(
                err, SG_ERR_USAGE, "--%s: %s is too small; give %g or more", o->name, text, o->low);
    return sg_fail(err, SG_ERR_USAGE, "--%s: %s is out of range; give %g to %g", o->name, text,
            o->low, o->high);
}

static sg_status parse_flag(bool *out, const sg_option *o, const char *text, sg_error *err) {
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(text, words[i]) != 0) continue;
        *out = i % 2;
        return SG_OK;
    }
    return sg_fail(err, SG_ERR_USAGE, "--%s: '%s' is neither true nor false", o->name, text);
}

static sg_status parse_choice(int *out, const sg_option *o, const char *text, sg_error *err) {
    int index = choice_index(o->metavar, text);
    if (index < 0)
        return sg_fail(err, SG_ERR_USAGE, "--%s: '%s' is none of %s", o->name, text, o->metavar);
    *out = index;
    return SG_OK;
}

/* Parses `text` into the row's field. */
static sg_status set_value(void *options, const sg_option *o, const char *text, sg_error *err) {
    void *field = (char *)options + o->offset;
    switch (o->type) {
    case SG_OPTION_FLAG:
        return parse_flag(field, o, text, err);
    case SG_OPTION_CHOICE:
        return parse_choice(field, o, text, err);
    case SG_OPTION_INT: {
        long long value;
        if (!sg_parse_int64(&value, text))
            return sg_fail(err, SG_ERR_USAGE, "--%s: '%s' is not a whole number", o->name, text);
        sg_status status = check_range(o, (double)value, text, err);
        if (!status) *(long long *)field = value;
        return status;
    }
    case SG_OPTION_REAL: {
        double value;
        if (!sg_parse_double(&value, text))
            return sg_fail(err, SG_ERR_USAGE, "--%s: '%s' is not a number", o->name, text);
        sg_status status = check_range(o, value, text, err);
        if (!status) *(double *)field = value;
        return status;
    }
    case SG_OPTION_PATH:
        if (!*text) return sg_fail(err, SG_ERR_USAGE, "--%s: the file name is empty", o->name);
        *(const char **)field = text;
        return SG_OK;
    case SG_OPTION_TEXT:
        *(const char **)field = text;
        return SG_OK;
    case SG_OPTION_OPERAND:
    case SG_OPTION_GROUP:
        break;
    }
    return sg_fail(err, SG_ERR_INTERNAL, "--%s has no value", o->name);
}

sg_status sg_options_defaults(void *options, const sg_verb *verb, sg_error *err) {
    for (const sg_option *o = verb->options; o && o->name; o++) {
        if (!o->fallback || o->type == SG_OPTION_GROUP) continue;
        sg_status status = set_value(options, o, o->fallback, err);
        if (status) return sg_fail_context(err, status, "default of verb '%s'", verb->name);
    }
    return SG_OK;
}

/* ---- config files ---- */

static const sg_option *find_own(const sg_verb *verb, const char *name) {
    for (const sg_option *o = verb->options; o && o->name; o++)
        if (o->type != SG_OPTION_GROUP && strcmp(o->name, name) == 0) return o;
    return NULL;
}

sg_status sg_options_from_yaml(void *options, bool *given, const sg_verb *verb, const sg_yaml *yaml,
        const char *name, sg_error *err) {
    for (size_t i = 0; i < yaml->count; i++) {
        const sg_yaml_entry *entry = &yaml->entries[i];
        const sg_option *o = find_own(verb, entry->key);
        if (!o) {
            const char *names[MAX_NAMES];
            const char *near = sg_nearest(entry->key, names, collect_names(names, verb, false));
            return sg_fail(err, SG_ERR_USAGE, "%s: line %zu: unknown setting '%s'%s%s%s", name,
                    entry->line, entry->key, near ? "; did you mean '" : "", near ? near : "",
                    near ? "'?" : "");
        }
        size_t row = (size_t)(o - verb->options);
        if (given && given[row]) continue;
        sg_status status = set_value(options, o, entry->value, err);
        if (status) return sg_fail_context(err, status, "%s: line %zu", name, entry->line);
        if (given) given[row] = true;
    }
    return SG_OK;
}

void sg_options_to_yaml(sg_str *out, const sg_verb *verb, const void *options) {
    sg_str value;
    sg_str_init(&value, 0);
    for (const sg_option *o = verb->options; o && o->name; o++) {
        const void *field = (const char *)options + o->offset;
        const char *text = NULL;
        sg_str_clear(&value);
        switch (o->type) {
        case SG_OPTION_FLAG:
            text = *(const bool *)field ? "true" : "false";
            break;
        case SG_OPTION_INT:
            sg_str_appendf(&value, "%lld", *(const long long *)field);
            break;
        case SG_OPTION_REAL:
            sg_str_append_double(&value, *(const double *)field);
            break;
        case SG_OPTION_CHOICE:
            put_choice(&value, o->metavar, *(const int *)field);
            break;
        case SG_OPTION_TEXT:
        case SG_OPTION_PATH:
            text = *(const char *const *)field;
            if (!text) continue;
            break;
        case SG_OPTION_OPERAND:
        case SG_OPTION_GROUP:
            continue;
        }
        sg_yaml_put(out, o->name, text ? text : sg_str_text(&value));
    }
    sg_str_dispose(&value);
}

/* ---- one value ---- */

static size_t value_size(const sg_option *o) {
    static const size_t sizes[] = {[SG_OPTION_FLAG] = sizeof(bool),
            [SG_OPTION_INT] = sizeof(long long),
            [SG_OPTION_REAL] = sizeof(double),
            [SG_OPTION_TEXT] = sizeof(char *),
            [SG_OPTION_PATH] = sizeof(char *),
            [SG_OPTION_CHOICE] = sizeof(int),
            [SG_OPTION_OPERAND] = 0,
            [SG_OPTION_GROUP] = 0};
    return sizes[o->type];
}

bool sg_option_equal(const sg_option *o, const void *a, const void *b) {
    const char *x = (const char *)a + o->offset, *y = (const char *)b + o->offset;
    if (o->type != SG_OPTION_TEXT && o->type != SG_OPTION_PATH)
        return memcmp(x, y, value_size(o)) == 0;
    const char *text = *(const char *const *)x, *other = *(const char *const *)y;
    return text == other || (text && other && strcmp(text, other) == 0);
}

void sg_option_copy(const sg_option *o, void *to, const void *from) {
    memcpy((char *)to + o->offset, (const char *)from + o->offset, value_size(o));
}

/* ---- the command line ---- */

typedef struct arguments {
    int count, at;
    char *const *text;
    const sg_verb *verb;
    sg_parsed *out;
    const char *config_path;
} arguments;

static sg_status unknown_option(
        const arguments *a, const char *spelling, const char *name, sg_error *err) {
    const char *names[MAX_NAMES];
    const char *near = sg_nearest(name, names, collect_names(names, a->verb, true));
    if (near)
        return sg_fail(err, SG_ERR_USAGE, "unknown option %s; did you mean --%s?", spelling, near);
    return sg_fail(err, SG_ERR_USAGE, "unknown option %s; 'sonograde %s --help' lists them",
            spelling, a->verb->name);
}

/* The row called `name` (n bytes) or having `letter`; NULL when there is none. */
static const sg_option *find_option(const sg_verb *verb, const char *name, size_t n, char letter) {
    const sg_option *o;
    for (size_t i = 0; (o = sg_options_at(verb, i)); i++) {
        if (o->type == SG_OPTION_GROUP) continue;
        if (letter ? o->letter == letter : strlen(o->name) == n && memcmp(o->name, name, n) == 0)
            return o;
    }
    return NULL;
}

static sg_status given_twice(const sg_option *o, sg_error *err) {
    return sg_fail(err, SG_ERR_USAGE, "--%s was given twice; give it once", o->name);
}

static sg_status store_own(arguments *a, const sg_option *o, const char *value, sg_error *err) {
    bool *given = &a->out->given[o - a->verb->options];
    if (o->type == SG_OPTION_OPERAND) {
        a->out->operands[a->out->operand_count++] = value;
        return SG_OK;
    }
    if (*given && o->type != SG_OPTION_FLAG) return given_twice(o, err);
    *given = true;
    return set_value(a->out->options, o, value, err);
}

/* Stores a value; the common options have no field in the verb's struct. */
static sg_status store(arguments *a, const sg_option *o, const char *value, sg_error *err) {
    if (!sg_option_is_common(o, a->verb)) return store_own(a, o, value, err);
    if (o->type == SG_OPTION_PATH) {
        if (a->config_path) return given_twice(o, err);
        a->config_path = value;
        return SG_OK;
    }
    bool on = false;
    sg_status status = parse_flag(&on, o, value, err);
    if (status) return status;
    if (strcmp(o->name, "json") == 0) a->out->json = on;
    if (strcmp(o->name, "quiet") == 0) a->out->quiet = on;
    if (strcmp(o->name, "help") == 0) a->out->help = on;
    return SG_OK;
}

/* The value of an option that wants one: attached, or the next argument. */
static sg_status take_value(arguments *a, const sg_option *o, const char **value, sg_error *err) {
    if (*value) return SG_OK;
    bool have = a->at < a->count;
    const char *next = have ? a->text[a->at] : NULL;
    if (have && strncmp(next, "--", 2) == 0 && find_option(a->verb, next + 2, strlen(next + 2), 0))
        have = false;
    if (!have)
        return sg_fail(err, SG_ERR_USAGE, "--%s needs a value (%s)", o->name,
                o->metavar ? o->metavar : "TEXT");
    *value = next;
    a->at++;
    return SG_OK;
}

/* --name, --name=value, --no-name */
static sg_status parse_long(arguments *a, const char *text, sg_error *err) {
    const char *name = text + 2;
    size_t n = strcspn(name, "=");
    const char *value = name[n] ? name + n + 1 : NULL;
    const sg_option *o = find_option(a->verb, name, n, 0);
    if (!o && n > 3 && strncmp(name, "no-", 3) == 0 && !value) {
        o = find_option(a->verb, name + 3, n - 3, 0);
        if (o && o->type == SG_OPTION_FLAG) return store(a, o, "false", err);
        o = NULL;
    }
    if (!o) {
        char *bare = sg_strdupf("%.*s", (int)(n < 200 ? n : 200), name);
        sg_status status = unknown_option(a, text, bare ? bare : "", err);
        free(bare);
        return status;
    }
    if (o->type == SG_OPTION_FLAG) return store(a, o, value ? value : "true", err);
    sg_status status = take_value(a, o, &value, err);
    return status ? status : store(a, o, value, err);
}

/* -x, -x value, -xvalue, and flags together: -qx */
static sg_status parse_short(arguments *a, const char *text, sg_error *err) {
    for (const char *p = text + 1; *p; p++) {
        const sg_option *o = find_option(a->verb, NULL, 0, *p);
        if (!o) return unknown_option(a, text, text + 1, err);
        if (o->type == SG_OPTION_FLAG) {
            sg_status status = store(a, o, "true", err);
            if (status) return status;
            continue;
        }
        const char *value = p[1] ? p + 1 + (p[1] == '=') : NULL;
        sg_status status = take_value(a, o, &value, err);
        return status ? status : store(a, o, value, err);
    }
    return SG_OK;
}

static sg_status parse_all(arguments *a, sg_error *err) {
    bool only_operands = false;
    while (a->at < a->count && !a->out->help) {
        const char *text = a->text[a->at++];
        sg_status status = SG_OK;
        if (only_operands || text[0] != '-' || text[1] == '\0')
            a->out->operands[a->out->operand_count++] = text;
        else if (strcmp(text, "--") == 0)
            only_operands = true;
        else
            status = text[1] == '-' ? parse_long(a, text, err) : parse_short(a, text, err);
        if (status) return status;
    }
    return SG_OK;
}

static sg_status check_operands(const sg_verb *verb, const sg_parsed *parsed, sg_error *err) {
    int n = parsed->operand_count;
    if (n < verb->min_operands)
        return sg_fail(err, SG_ERR_USAGE, "'%s' needs %s; see 'sonograde %s --help'", verb->name,
                verb->operands, verb->name);
    if (verb->max_operands >= 0 && n > verb->max_operands)
        return sg_fail(err, SG_ERR_USAGE,
                "'%s' is one argument too many; see 'sonograde %s --help'",
                parsed->operands[verb->max_operands], verb->name);
    return SG_OK;
}

sg_status sg_options_parse(
        sg_parsed *out, const sg_verb *verb, int argc, char *const *argv, sg_error *err) {
    size_t rows = 0;
    while (verb->options && verb->options[rows].name) rows++;
    sg_parsed parsed = {
            .options = calloc(1, verb->struct_size + 1),
            .given = calloc(rows + 1, sizeof(bool)),
            .operands = calloc((size_t)argc + 1, sizeof(char *)),
    };
    arguments a = {.count = argc, .text = argv, .verb = verb, .out = &parsed};
    sg_status status = SG_OK;
    if (!parsed.options || !parsed.given || !parsed.operands)
        status = sg_fail(err, SG_ERR_MEMORY, "out of memory");
    if (!status) status = sg_options_defaults(parsed.options, verb, err);
    if (!status) status = parse_all(&a, err);
    if (!status && !parsed.help) status = check_operands(verb, &parsed, err);
    if (!status && !parsed.help && a.config_path) {
        status = sg_yaml_read(&parsed.config, a.config_path, err);
        if (!status)
            status = sg_options_from_yaml(
                    parsed.options, parsed.given, verb, &parsed.config, a.config_path, err);
    }
    if (status)
        sg_parsed_dispose(&parsed);
    else
        *out = parsed;
    return status;
}

void sg_parsed_dispose(sg_parsed *parsed) {
    if (!parsed) return;
    free(parsed->options);
    free(parsed->given);
    free(parsed->operands);
    sg_yaml_dispose(&parsed->config);
    *parsed = (sg_parsed){0};
}

/* space_text.c - a parameter from its line of text, and back. SPDX-License-Identifier: Apache-2.0
 */
#include "tune/space.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 2 * SG_CHOICES_MAX + 8 };

/* The words of a line, cut apart in a copy of it. Commas, parentheses and '=' separate as blanks do
 * ("float(1e-5, 1e-2, log)"), but '=' is kept as a word: it belongs to a condition. Between quotes
 * all of them are part of the word. */
typedef struct words {
    char *copy;
    char *word[WORDS_MAX];
    size_t count;
} words;

static char equals_sign[] = "=";
static const char separators[] = "=,() \t\r\n";

static bool is_quote(char c) {
    return c == '\'' || c == '"';
}

/* Takes the word at *at and moves on behind it; NULL when its quote is not closed. */
static char *cut_word(char **at) {
    char *word = *at;
    if (!is_quote(*word)) {
        *at += strcspn(word, separators);
        return word;
    }
    char *end = strchr(word + 1, *word);
    if (!end) return NULL;
    *end = '\0';
    *at = end + 1;
    return word + 1;
}

static sg_status cut_all(words *w, const char *name, sg_error *err) {
    char *c = w->copy;
    while (*c) {
        bool sign = *c == '=';
        if (strchr(separators, *c)) {
            *c++ = '\0';
            if (!sign) continue;
        }
        if (w->count == WORDS_MAX)
            return sg_fail(err, SG_ERR_USAGE, "parameter '%s' has more than %d words", name,
                    (int)WORDS_MAX);
        char *word = sign ? equals_sign : cut_word(&c);
        if (!word) return sg_fail(err, SG_ERR_USAGE, "parameter '%s': a quote is not closed", name);
        w->word[w->count++] = word;
    }
    return SG_OK;
}

static sg_status split(words *w, const char *name, const char *text, sg_error *err) {
    memset(w, 0, sizeof *w);
    w->copy = sg_strdup(text);
    if (!w->copy) return sg_fail(err, SG_ERR_MEMORY, "out of memory for parameter '%s'", name);
    sg_status st = cut_all(w, name, err);
    if (st) free(w->copy);
    return st;
}

void sg_space_put_word(sg_str *out, const char *word) {
    bool quoted = !*word || is_quote(*word) || word[strcspn(word, separators)];
    const char *quote = !quoted ? "" : strchr(word, '\'') ? "\"" : "'";
    sg_str_appendf(out, "%s%s%s", quote, word, quote);
}

static sg_status parse_range(
        sg_dimension *p, const words *w, size_t from, size_t to, sg_error *err) {
    const char *kind = w->word[0];
    if (to - from < 2 || to - from > 3)
        return sg_fail(err, SG_ERR_USAGE,
                "parameter '%s': write '%s LOW HIGH' or '%s LOW HIGH log'", p->name, kind, kind);
    const char *low = w->word[from], *high = w->word[from + 1];
    if (!sg_parse_double(&p->low, low) || !sg_parse_double(&p->high, high) || !isfinite(p->low) ||
            !isfinite(p->high))
        return sg_fail(err, SG_ERR_USAGE, "parameter '%s': '%s %s' are not two numbers", p->name,
                low, high);
    if (to - from == 3) {
        if (strcmp(w->word[from + 2], "log") != 0)
            return sg_fail(err, SG_ERR_USAGE, "parameter '%s': '%s' is not known here; only 'log'",
                    p->name, w->word[from + 2]);
        p->log = true;
    }
    if (p->low > p->high)
        return sg_fail(err, SG_ERR_USAGE,
                "parameter '%s': the lower bound %s is above the upper bound %s", p->name, low,
                high);
    if (p->kind == SG_PARAM_FLOAT && !(p->low < p->high))
        return sg_fail(err, SG_ERR_USAGE, "parameter '%s': both bounds are %s; write 'fixed %s'",
                p->name, low, low);
    if (p->log && !(p->low > 0))
        return sg_fail(err, SG_ERR_USAGE,
                "parameter '%s': a log scale needs bounds above zero, the lower one is %s", p->name,
                low);
    if (p->kind == SG_PARAM_INT && (p->low != floor(p->low) || p->high != floor(p->high) ||
                                           fabs(p->low) > 1e9 || fabs(p->high) > 1e9))
        return sg_fail(err, SG_ERR_USAGE, "parameter '%s': %s and %s must be whole numbers",
                p->name, low, high);
    return SG_OK;
}

static sg_status parse_choices(
        sg_dimension *p, const words *w, size_t from, size_t to, sg_error *err) {
    size_t n = to - from;
    if (n < 2 || n > SG_CHOICES_MAX)
        return sg_fail(err, SG_ERR_USAGE,
                "parameter '%s' has %zu choices; it needs 2 to %d (or 'fixed VALUE')", p->name, n,
                (int)SG_CHOICES_MAX);
    p->choices = calloc(n, sizeof *p->choices);
    double before = -INFINITY;
    for (size_t i = 0; p->choices && i < n; i++) {
        const char *word = w->word[from + i];
        double number;
        for (size_t k = 0; k < i; k++)
            if (strcmp(p->choices[k], word) == 0)
                return sg_fail(err, SG_ERR_USAGE, "parameter '%s': '%s' stands there twice",
                        p->name, word);
        if (p->kind == SG_PARAM_ORDERED) {
            if (!sg_parse_double(&number, word) || !(number > before))
                return sg_fail(err, SG_ERR_USAGE,
                        "parameter '%s': 'ordered' takes rising numbers, '%s' is none", p->name,
                        word);
            before = number;
        }
        p->choices[i] = sg_strdup(word);
        if (!p->choices[i]) break;
        p->choice_count = i + 1;
    }
    if (p->choice_count == n) return SG_OK;
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for parameter '%s'", p->name);
}

/* "if OTHER = A B" in w->word[from..]. */
static sg_status parse_condition(
        sg_dimension *p, const sg_space *space, const words *w, size_t from, sg_error *err) {
    if (w->count < from + 4 || strcmp(w->word[from + 2], "=") != 0)
        return sg_fail(err, SG_ERR_USAGE, "parameter '%s': write its condition as 'if OTHER = A B'",
                p->name);
    const char *other = w->word[from + 1];
    int parent = sg_space_find(space, other);
    if (parent < 0)
        return sg_fail(err, SG_ERR_USAGE,
                "parameter '%s' depends on '%s', which is not among the parameters before it",
                p->name, other);
    const sg_dimension *q = &space->params[parent];
    if (q->kind != SG_PARAM_CHOICE && q->kind != SG_PARAM_ORDERED)
        return sg_fail(err, SG_ERR_USAGE,
                "parameter '%s' depends on '%s', which has no choices to depend on", p->name,
                other);
    for (size_t i = from + 3; i < w->count; i++) {
        size_t k = 0;
        while (k < q->choice_count && strcmp(q->choices[k], w->word[i]) != 0) k++;
        if (k == q->choice_count)
            return sg_fail(err, SG_ERR_USAGE, "parameter '%s': '%s' has no choice '%s'", p->name,
                    other, w->word[i]);
        p->parent_values |= 1u << k;
    }
    p->parent = parent;
    return SG_OK;
}

static sg_status parse_param(
        sg_dimension *p, const sg_space *space, const words *w, sg_error *err) {
    static const char *const kinds[] = {"float", "int", "choice", "ordered"};
    size_t kind = 0, end = 1;
    while (kind < 4 && strcmp(w->word[0], kinds[kind]) != 0) kind++;
    if (kind == 4)
        return sg_fail(err, SG_ERR_USAGE,
                "parameter '%s' begins with '%s'; it must be float, int, choice, ordered or fixed",
                p->name, w->word[0]);
    p->kind = (sg_dimension_kind)kind;
    p->parent = -1;
    while (end < w->count && strcmp(w->word[end], "if") != 0) end++;
    sg_status st = p->kind == SG_PARAM_FLOAT || p->kind == SG_PARAM_INT
                           ? parse_range(p, w, 1, end, err)
                           : parse_choices(p, w, 1, end, err);
    return st || end == w->count ? st : parse_condition(p, space, w, end, err);
}

static bool is_taken(const sg_space *space, const char *name) {
    for (size_t i = 0; i < space->fixed_count; i++)
        if (strcmp(space->fixed[i].name, name) == 0) return true;
    return sg_space_find(space, name) >= 0;
}

static sg_status add_fixed(sg_space *space, const char *name, const words *w, sg_error *err) {
    if (w->count != 2)
        return sg_fail(err, SG_ERR_USAGE, "parameter '%s': write 'fixed VALUE'", name);
    if (space->fixed_count == SG_SPACE_MAX)
        return sg_fail(err, SG_ERR_USAGE, "more than %d fixed values", (int)SG_SPACE_MAX);
    sg_fixed *f = &space->fixed[space->fixed_count++];
    f->name = sg_strdup(name);
    f->value = sg_strdup(w->word[1]);
    if (f->name && f->value) return SG_OK;
    return sg_fail(err, SG_ERR_MEMORY, "out of memory for parameter '%s'", name);
}

static sg_status add_param(sg_space *space, const char *name, const words *w, sg_error *err) {
    if (space->count == SG_SPACE_MAX)
        return sg_fail(err, SG_ERR_USAGE, "more than %d parameters", (int)SG_SPACE_MAX);
    sg_dimension *p = &space->params[space->count];
    memset(p, 0, sizeof *p);
    p->name = sg_strdup(name);
    if (!p->name) return sg_fail(err, SG_ERR_MEMORY, "out of memory for parameter '%s'", name);
    sg_status st = parse_param(p, space, w, err);
    if (!st) {
        space->count++;
        return SG_OK;
    }
    for (size_t i = 0; i < p->choice_count; i++) free(p->choices[i]);
    free(p->choices);
    free(p->name);
    memset(p, 0, sizeof *p);
    return st;
}

sg_status sg_space_add(sg_space *space, const char *name, const char *text, sg_error *err) {
    if (!name[0]) return sg_fail(err, SG_ERR_USAGE, "a parameter needs a name before '%s'", text);
    if (is_taken(space, name))
        return sg_fail(err, SG_ERR_USAGE, "parameter '%s' is given twice", name);
    words w;
    sg_status st = split(&w, name, text, err);
    if (st) return st;
    if (!w.count)
        st = sg_fail(err, SG_ERR_USAGE,
                "parameter '%s' is empty; write for example 'float 1e-5 1e-2 log'", name);
    else if (strcmp(w.word[0], "fixed") == 0)
        st = add_fixed(space, name, &w, err);
    else
        st = add_param(space, name, &w, err);
    free(w.copy);
    return st;
}

sg_status sg_space_read(sg_space *space, const char *path, sg_error *err) {
    sg_yaml yaml;
    sg_status st = sg_yaml_read(&yaml, path, err);
    if (st == SG_ERR_FORMAT) return err ? err->code = SG_ERR_USAGE : SG_ERR_USAGE;
    if (st) return st;
    for (size_t i = 0; !st && i < yaml.count; i++) {
        st = sg_space_add(space, yaml.entries[i].key, yaml.entries[i].value, err);
        if (st) st = sg_fail_context(err, st, "%s, line %zu", path, yaml.entries[i].line);
    }
    sg_yaml_dispose(&yaml);
    return st;
}

void sg_dimension_put(sg_str *out, const sg_space *space, size_t i) {
    static const char *const kinds[] = {"float", "int", "choice", "ordered"};
    const sg_dimension *p = &space->params[i];
    sg_str_append(out, kinds[p->kind]);
    if (p->kind == SG_PARAM_FLOAT || p->kind == SG_PARAM_INT) {
        sg_str_append(out, " ");
        sg_str_append_double(out, p->low);
        sg_str_append(out, " ");
        sg_str_append_double(out, p->high);
        if (p->log) sg_str_append(out, " log");
    }
    for (size_t k = 0; k < p->choice_count; k++) {
        sg_str_append(out, " ");
        sg_space_put_word(out, p->choices[k]);
    }
    if (p->parent < 0) return;
    const sg_dimension *q = &space->params[p->parent];
    sg_str_appendf(out, " if %s =", q->name);
    for (size_t k = 0; k < q->choice_count; k++) {
        if (!(p->parent_values >> k & 1u)) continue;
        sg_str_append(out, " ");
        sg_space_put_word(out, q->choices[k]);
    }
}

void sg_dimension_value_put(sg_str *out, const sg_dimension *param, double value) {
    if (param->choice_count) {
        sg_str_append(out, param->choices[(size_t)value]);
        return;
    }
    /* Twelve digits are more than a search can tell apart and read well in args.yaml. */
    char text[40];
    snprintf(text, sizeof text, "%.12g", value);
    sg_str_append(out, text);
}

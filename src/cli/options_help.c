/* options_help.c - a verb's --help, from its table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"
#include <string.h>

enum { HELP_COLUMN = 30, WIDTH = 88 };

void sg_option_spelling(sg_str *out, const sg_option *o) {
    if (o->letter) sg_str_appendf(out, "-%c, ", o->letter);
    bool on_by_default = o->type == SG_OPTION_FLAG && o->fallback && !strcmp(o->fallback, "true");
    sg_str_appendf(out, "--%s%s", on_by_default ? "[no-]" : "", o->name);
    if (o->type != SG_OPTION_FLAG) sg_str_appendf(out, " %s", o->metavar ? o->metavar : "TEXT");
}

/* Words of `text` from `column` on, broken before WIDTH; one newline at the end. */
static void put_wrapped(sg_str *out, const char *text, size_t indent, size_t column) {
    while (*text) {
        text += strspn(text, " ");
        size_t n = strcspn(text, " ");
        if (n == 0) break;
        if (column > indent && column + 1 + n > WIDTH) {
            sg_str_appendf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (column > indent) {
            sg_str_append(out, " ");
            column++;
        }
        sg_str_append_n(out, text, n);
        column += n;
        text += n;
    }
    sg_str_append(out, "\n");
}

static void put_option(sg_str *out, const sg_option *o) {
    sg_str line, help;
    sg_str_init(&line, 0);
    sg_str_init(&help, 0);
    sg_str_append(&line, o->letter ? "  " : "      ");
    sg_option_spelling(&line, o);
    sg_str_append(&help, o->help);
    if (o->fallback && o->type != SG_OPTION_FLAG) sg_str_appendf(&help, " [%s]", o->fallback);
    sg_str_append(out, sg_str_text(&line));
    if (line.len + 2 > HELP_COLUMN)
        sg_str_appendf(out, "\n%*s", HELP_COLUMN, "");
    else
        sg_str_appendf(out, "%*s", (int)(HELP_COLUMN - line.len), "");
    put_wrapped(out, sg_str_text(&help), HELP_COLUMN, HELP_COLUMN);
    sg_str_dispose(&line);
    sg_str_dispose(&help);
}

/* Each line indented by two. */
static void put_block(sg_str *out, const char *text) {
    while (*text) {
        size_t n = strcspn(text, "\n");
        sg_str_append(out, n ? "  " : "");
        sg_str_append_n(out, text, n);
        sg_str_append(out, "\n");
        text += n + (text[n] == '\n');
    }
}

/* Paragraphs, each line of the source being one. */
static void put_paragraphs(sg_str *out, const char *text) {
    while (*text) {
        size_t n = strcspn(text, "\n");
        sg_str line;
        sg_str_init(&line, 0);
        sg_str_append_n(&line, text, n);
        put_wrapped(out, sg_str_text(&line), 0, 0);
        sg_str_dispose(&line);
        text += n + (text[n] == '\n');
    }
}

void sg_options_help(sg_str *out, const sg_verb *verb) {
    sg_str_appendf(out, "sonograde %s: %s\n\nUsage: sonograde %s [options]%s%s\n", verb->name,
            verb->summary ? verb->summary : "", verb->name, *verb->operands ? " " : "",
            verb->operands);
    if (verb->details) {
        sg_str_append(out, "\n");
        put_paragraphs(out, verb->details);
    }
    bool own = verb->options && verb->options[0].name;
    if (own && verb->options[0].type != SG_OPTION_GROUP) sg_str_append(out, "\nOptions:\n");
    const sg_option *o;
    bool common = false;
    for (size_t i = 0; (o = sg_options_at(verb, i)); i++) {
        if (!common && sg_option_is_common(o, verb)) {
            common = true;
            sg_str_append(out, "\nEvery verb:\n");
        }
        if (o->type == SG_OPTION_GROUP)
            sg_str_appendf(out, "\n%s:\n", o->name);
        else
            put_option(out, o);
    }
    if (verb->examples) {
        sg_str_append(out, "\nExamples:\n");
        put_block(out, verb->examples);
    }
}

/* cmd_docs.c - `sonograde docs man|completion|usage`: what is generated from the option tables. Not
 * in the overview: it serves the build. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/version.h"
#include "cli/cli.h"
#include <string.h>

typedef struct docs_options {
    const char *output;
} docs_options;

static const sg_option options[] = {
        {"output", 'o', SG_OPTION_PATH, offsetof(docs_options, output), NULL, "FILE",
                "file to write in place of standard output", 0, 0},
        {0},
};

/* ---- man page ---- */

/* Text for troff: backslashes, hyphens that are typed, and dots at the start of a line. */
static void put_roff(sg_str *s, const char *text) {
    bool start = true;
    for (const char *p = text; *p; p++) {
        if (start && (*p == '.' || *p == '\'')) sg_str_append(s, "\\&");
        if (*p == '\\')
            sg_str_append(s, "\\e");
        else if (*p == '-')
            sg_str_append(s, "\\-");
        else
            sg_str_append_n(s, p, 1);
        start = *p == '\n';
    }
}

static void put_roff_line(sg_str *s, const char *text) {
    put_roff(s, text);
    sg_str_append(s, "\n");
}

static void put_man_option(sg_str *s, const sg_option *o) {
    if (o->type == SG_OPTION_GROUP) {
        sg_str_append(s, ".PP\n");
        put_roff_line(s, o->name);
        return;
    }
    sg_str spelling;
    sg_str_init(&spelling, 0);
    sg_option_spelling(&spelling, o);
    sg_str_append(s, ".TP\n.B ");
    put_roff_line(s, sg_str_text(&spelling));
    put_roff(s, o->help);
    if (o->fallback && o->type != SG_OPTION_FLAG) {
        sg_str_append(s, " [");
        put_roff(s, o->fallback);
        sg_str_append(s, "]");
    }
    sg_str_append(s, "\n");
    sg_str_dispose(&spelling);
}

static void put_man_verb(sg_str *s, const sg_verb *verb) {
    sg_str_appendf(s, ".SS %s%s%s\n", verb->name, *verb->operands ? " " : "", verb->operands);
    put_roff_line(s, verb->summary);
    if (verb->details) {
        sg_str_append(s, ".PP\n");
        put_roff_line(s, verb->details);
    }
    for (const sg_option *o = verb->options; o && o->name; o++) put_man_option(s, o);
    if (verb->takes_config) put_man_option(s, sg_common_options);
    if (verb->examples) {
        sg_str_append(s, ".PP\n.nf\n");
        put_roff_line(s, verb->examples);
        sg_str_append(s, ".fi\n");
    }
}

static void put_man(sg_str *s) {
    sg_str_appendf(s,
            ".TH SONOGRADE 1 \"\" \"sonograde %s\" \"User Commands\"\n"
            ".SH NAME\nsonograde \\- tell normal, benign and malignant breast ultrasound images "
            "apart\n"
            ".SH SYNOPSIS\n.B sonograde\nVERB [options] [arguments]\n"
            ".SH DESCRIPTION\n%s\n.SH VERBS\n",
            sg_version(), SG_RESEARCH_USE);
    for (const sg_verb *const *v = sg_verbs; *v; v++)
        if ((*v)->summary) put_man_verb(s, *v);
    sg_str_append(s, ".SH OPTIONS OF EVERY VERB\n");
    for (const sg_option *o = sg_common_options + 1; o->name; o++) put_man_option(s, o);
    sg_str_append(s, ".SH EXIT STATUS\n"
                     "0 success; 1 failure; 2 wrong usage; 3 data that cannot be used; 4 a resume "
                     "that would "
                     "not repeat the run; 5 compare --bundles found the new model worse; 130 and "
                     "143 interrupted, state saved.\n");
}

/* ---- bash completion ---- */

/* "words" after `s`, one per option of the verb. */
static void put_option_words(sg_str *s, const sg_verb *verb) {
    const sg_option *o;
    for (size_t i = 0; (o = sg_options_at(verb, i)); i++) {
        if (o->type == SG_OPTION_GROUP) continue;
        sg_str_appendf(s, " --%s", o->name);
        if (o->type == SG_OPTION_FLAG && !sg_option_is_common(o, verb))
            sg_str_appendf(s, " --no-%s", o->name);
    }
}

/* One case for each option whose values can be listed. */
static void put_choice_cases(sg_str *s, const sg_verb *verb) {
    for (const sg_option *o = verb->options; o && o->name; o++) {
        if (o->type != SG_OPTION_CHOICE) continue;
        sg_str_appendf(s, "    '%s:--%s') words='", verb->name, o->name);
        for (const char *p = o->metavar; *p; p++) sg_str_append_n(s, *p == '|' ? " " : p, 1);
        sg_str_append(s, "' ;;\n");
    }
}

static void put_completion(sg_str *s) {
    sg_str_append(s,
            "# bash completion of sonograde; made by 'sonograde docs completion'\n"
            "_sonograde() {\n"
            "  local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
            "  local verb=${COMP_WORDS[1]:-} pair=\"${COMP_WORDS[1]:-} ${COMP_WORDS[2]:-}\" "
            "words=\n"
            "  case $pair in\n");
    for (const sg_verb *const *v = sg_verbs; *v; v++)
        if ((*v)->summary && strchr((*v)->name, ' '))
            sg_str_appendf(s, "    '%s') verb=$pair ;;\n", (*v)->name);
    sg_str_append(s, "  esac\n  case $verb:$before in\n");
    for (const sg_verb *const *v = sg_verbs; *v; v++)
        if ((*v)->summary) put_choice_cases(s, *v);
    sg_str_append(s, "  esac\n"
                     "  if [ -z \"$words\" ] && [[ $current == -* ]]; then\n"
                     "    case $verb in\n");
    for (const sg_verb *const *v = sg_verbs; *v; v++) {
        if (!(*v)->summary) continue;
        sg_str_appendf(s, "      '%s') words='", (*v)->name);
        put_option_words(s, *v);
        sg_str_append(s, "' ;;\n");
    }
    sg_str_append(s, "      *) words='--help --version' ;;\n"
                     "    esac\n"
                     "  elif [ -z \"$words\" ] && [ \"$COMP_CWORD\" = 1 ]; then\n"
                     "    words='help");
    for (const sg_verb *const *v = sg_verbs; *v; v++)
        if ((*v)->summary) sg_str_appendf(s, " %.*s", (int)strcspn((*v)->name, " "), (*v)->name);
    sg_str_append(s, "'\n"
                     "  elif [ -z \"$words\" ] && [ \"$COMP_CWORD\" = 2 ]; then\n"
                     "    case $verb in\n");
    for (const sg_verb *const *v = sg_verbs; *v; v++) {
        size_t n = strcspn((*v)->name, " ");
        if ((*v)->summary && (*v)->name[n])
            sg_str_appendf(
                    s, "      %.*s) words+=' %s' ;;&\n", (int)n, (*v)->name, (*v)->name + n + 1);
    }
    sg_str_append(s,
            "      *) ;;\n"
            "    esac\n"
            "  fi\n"
            "  if [ -n \"$words\" ]; then\n"
            "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\" | sort -u)\n"
            "  fi\n"
            "}\n"
            "complete -o default -F _sonograde sonograde\n");
}

/* ---- usage page ---- */

static void put_usage(sg_str *s) {
    sg_str_append(
            s, "# Usage\n\nMade from the option tables by `make docs`; " SG_RESEARCH_USE "\n");
    for (const sg_verb *const *v = sg_verbs; *v; v++) {
        if (!(*v)->summary) continue;
        sg_str_appendf(s, "\n## sonograde %s\n\n```\n", (*v)->name);
        sg_options_help(s, *v);
        sg_str_append(s, "```\n");
    }
}

static const struct {
    const char *name;
    void (*put)(sg_str *s);
} kinds[] = {
        {"man", put_man},
        {"completion", put_completion},
        {"usage", put_usage},
};

static int run(const sg_call *call) {
    const docs_options *o = call->options;
    sg_error err = SG_ERROR_INIT;
    sg_str text;
    sg_str_init(&text, 0);
    sg_status status = sg_fail(
            &err, SG_ERR_USAGE, "docs makes man, completion or usage, not '%s'", call->operands[0]);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, call->operands[0]) != 0) continue;
        kinds[i].put(&text);
        status = sg_str_check(&text, &err);
    }
    if (!status && o->output) status = sg_file_write(o->output, text.data, text.len, &err);
    if (!status && !o->output) fputs(sg_str_text(&text), stdout);
    sg_str_dispose(&text);
    return status ? sg_cli_fail(&err) : SG_EXIT_OK;
}

/* No summary: hidden. */
const sg_verb sg_verb_docs = {
        .name = "docs",
        .operands = "man|completion|usage",
        .options = options,
        .struct_size = sizeof(docs_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};

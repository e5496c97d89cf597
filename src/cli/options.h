/* options.h - one table describes a verb's options; parsing, --help, the man page, bash completion,
 * --config files and args.yaml are all made from it.
 *
 * A row points into the verb's plain options struct with offsetof. Defaults are text, parsed by the
 * same code as the command line, so that what --help prints is what happens.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_OPTIONS_H
#define SG_CLI_OPTIONS_H

#include "base/str.h"
#include "base/yaml.h"
#include "sonograde/error.h"
#include <stdbool.h>
#include <stddef.h>

typedef enum sg_option_type {
    SG_OPTION_FLAG,    /* bool; --name and --no-name */
    SG_OPTION_INT,     /* long long, checked against low..high */
    SG_OPTION_REAL,    /* double, checked against low..high */
    SG_OPTION_TEXT,    /* const char *; NULL when not given and no default */
    SG_OPTION_PATH,    /* const char *; the same, completed as a file */
    SG_OPTION_CHOICE,  /* int index into choices ("pad|crop|stretch") */
    SG_OPTION_OPERAND, /* a path that is one more operand; may be given more than once; no field */
    SG_OPTION_GROUP    /* a heading in --help; no value */
} sg_option_type;

typedef struct sg_option {
    const char *name; /* long name without dashes: also the config key; words joined by '-' */
    char letter;      /* short form, or 0 */
    sg_option_type type;
    size_t offset;
    const char *fallback; /* default as text; NULL = none (flag: off) */
    const char *metavar;  /* "N", "FILE"; for a choice "a|b|c" */
    const char *help;     /* one sentence, lower case, no full stop */
    double low, high;     /* for numbers; both 0 = unbounded */
} sg_option;

struct sg_call;

typedef struct sg_verb {
    const char *name;               /* "train", "data manifest" */
    const char *operands;           /* "DIR", "IMAGE..." or "" */
    const char *summary;            /* one line */
    const char *details;            /* paragraphs for --help and the man page; may be NULL */
    const char *examples;           /* lines of commands; may be NULL */
    const sg_option *options;       /* ends with a row whose name is NULL */
    size_t struct_size;             /* of the options struct */
    int min_operands, max_operands; /* max -1 = any number */
    bool takes_config;              /* offers --config F.yaml */
    int (*run)(const struct sg_call *call); /* returns the exit code */
} sg_verb;

/* What a verb gets. All borrowed for the call. */
typedef struct sg_call {
    const sg_verb *verb;
    const void *options; /* the filled options struct */
    int operand_count;
    const char *const *operands;
    bool json, quiet;         /* --json and --quiet, offered by every verb */
    const struct sg_log *log; /* prints to stderr; obeys --quiet */
    const bool *given;        /* per option row: set by command line or config file */
} sg_call;

/* One parsed command line. Text in `options` is borrowed from argv and from `config`. */
typedef struct sg_parsed {
    void *options; /* verb->struct_size bytes */
    bool *given;   /* per option row */
    const char **operands;
    int operand_count;
    bool help, json, quiet; /* help: nothing after --help was looked at */
    sg_yaml config;
} sg_parsed;

/* Defaults, then --config, then argv (without the words of the verb). Unknown names are
 * SG_ERR_USAGE and name the nearest known one; so is a value given twice, since one of the two
 * would be forgotten (flags may repeat; a config file gives way to the command line). */
SG_MUST_CHECK sg_status sg_options_parse(
        sg_parsed *out, const sg_verb *verb, int argc, char *const *argv, sg_error *err);
void sg_parsed_dispose(sg_parsed *parsed);

/* Fills a zeroed struct with the defaults of the table. */
SG_MUST_CHECK sg_status sg_options_defaults(void *options, const sg_verb *verb, sg_error *err);
/* Sets what the file says; rows that are already true in `given` stay as they are (given may be
 * NULL). Text is borrowed from `yaml`. */
SG_MUST_CHECK sg_status sg_options_from_yaml(void *options, bool *given, const sg_verb *verb,
        const sg_yaml *yaml, const char *name, sg_error *err);
/* The whole struct as YAML, keys in table order; for args.yaml. Reading it back gives the same. */
void sg_options_to_yaml(sg_str *out, const sg_verb *verb, const void *options);

/* One row's value: is it the same in two structs of the verb, and taking it from one to the other.
 */
bool sg_option_equal(const sg_option *option, const void *a, const void *b);
void sg_option_copy(const sg_option *option, void *to, const void *from);

/* Rows that every verb has; the last row has no name. `config` only where the verb takes one. */
extern const sg_option sg_common_options[];
bool sg_option_is_common(const sg_option *option, const sg_verb *verb);

/* Option n of a verb with the common ones behind its own; NULL past the end. For what is generated
 * from the tables: help, man page, completion, usage. */
const sg_option *sg_options_at(const sg_verb *verb, size_t n);
/* "-e, --epochs N", "    --[no-]flip". */
void sg_option_spelling(sg_str *out, const sg_option *option);
void sg_options_help(sg_str *out, const sg_verb *verb);

/* Nearest of n words to `word`, or NULL when none is near enough to suggest. */
const char *sg_nearest(const char *word, const char *const *words, size_t n);

#endif

/* main.c - finds the verb, parses its options, calls it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/version.h"
#include "cli/cli.h"
#include "cli/thread_wait.h"
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { MAX_VERBS = 128 };

static bool is_any(const char *word, const char *a, const char *b) {
    return strcmp(word, a) == 0 || (b && strcmp(word, b) == 0);
}

static void print_overview(FILE *stream) {
    fprintf(stream,
            "sonograde %s: breast ultrasound images told apart, with figures that hold\n"
            "%s\n\nUsage: sonograde VERB [options] [arguments]\n\nVerbs:\n",
            sg_version(), SG_RESEARCH_USE);
    for (const sg_verb *const *v = sg_verbs; *v; v++)
        if ((*v)->summary) fprintf(stream, "  %-22s %s\n", (*v)->name, (*v)->summary);
    fputs("\n'sonograde VERB --help' tells more; 'sonograde --version' names the build.\n", stream);
}

/* Words of argv that spell the verb's name: 1 or 2, or 0 when it is another verb. */
static int match_verb(const sg_verb *verb, int argc, char **argv) {
    size_t n = strcspn(verb->name, " ");
    if (argc < 1 || strlen(argv[0]) != n || memcmp(argv[0], verb->name, n) != 0) return 0;
    if (!verb->name[n]) return 1;
    return argc > 1 && strcmp(argv[1], verb->name + n + 1) == 0 ? 2 : 0;
}

/* The longest name wins: "models show" before "models". */
static const sg_verb *find_verb(int *words, int argc, char **argv) {
    const sg_verb *best = NULL;
    *words = 0;
    for (const sg_verb *const *v = sg_verbs; *v; v++) {
        int n = match_verb(*v, argc, argv);
        if (n <= *words) continue;
        *words = n;
        best = *v;
    }
    return best;
}

/* Two-word verbs that begin with this word: "data" for "data manifest". */
static bool is_family(const char *word, const sg_verb *verb) {
    size_t n = strlen(word);
    return verb->summary && strncmp(verb->name, word, n) == 0 && verb->name[n] == ' ';
}

/* "data", "data --help": the verbs of a family, or false when the words ask for something else. */
static bool print_family(int argc, char **argv) {
    bool any = false;
    if (argc < 1 || argc > 2 || (argc == 2 && !is_any(argv[1], "--help", "-h"))) return false;
    for (const sg_verb *const *v = sg_verbs; *v; v++) {
        if (!is_family(argv[0], *v)) continue;
        if (!any) printf("Usage: sonograde %s VERB [options] [arguments]\n\nVerbs:\n", argv[0]);
        any = true;
        printf("  %-22s %s\n", (*v)->name, (*v)->summary);
    }
    if (any) printf("\n'sonograde %s VERB --help' tells more.\n", argv[0]);
    return any;
}

static int explain_unknown(int argc, char **argv) {
    const char *names[MAX_VERBS];
    char typed[256];
    size_t n = 0;
    bool family = false;
    for (const sg_verb *const *v = sg_verbs; *v && n < MAX_VERBS; v++) {
        if (!(*v)->summary) continue;
        names[n++] = (*v)->name;
        family = family || is_family(argv[0], *v);
    }
    bool two = family && argc > 1 && argv[1][0] != '-';
    (void)snprintf(typed, sizeof typed, "%s%s%s", argv[0], two ? " " : "", two ? argv[1] : "");
    sg_error err = SG_ERROR_INIT;
    const char *near = sg_nearest(typed, names, n);
    if (family && !two) {
        sg_str list;
        sg_str_init(&list, 0);
        for (size_t i = 0; i < n; i++)
            if (strncmp(names[i], argv[0], strlen(argv[0])) == 0 &&
                    names[i][strlen(argv[0])] == ' ')
                sg_str_appendf(&list, "%s%s", list.len ? ", " : "", names[i]);
        (void)sg_fail(
                &err, SG_ERR_USAGE, "'%s' needs a second word: %s", typed, sg_str_text(&list));
        sg_str_dispose(&list);
    } else if (near) {
        (void)sg_fail(&err, SG_ERR_USAGE, "unknown verb '%s'; did you mean '%s'?", typed, near);
    } else {
        (void)sg_fail(
                &err, SG_ERR_USAGE, "unknown verb '%s'; 'sonograde --help' lists them", typed);
    }
    return sg_cli_fail(&err);
}

static void print_help(const sg_verb *verb) {
    sg_str text;
    sg_str_init(&text, 0);
    sg_options_help(&text, verb);
    fputs(sg_str_text(&text), stdout);
    sg_str_dispose(&text);
}

static int run_verb(const sg_verb *verb, int argc, char **argv) {
    sg_error err = SG_ERROR_INIT;
    sg_parsed parsed;
    if (sg_options_parse(&parsed, verb, argc, argv, &err)) return sg_cli_fail(&err);
    int code = SG_EXIT_OK;
    if (parsed.help) {
        print_help(verb);
    } else {
        sg_cli_sink sink;
        sg_cli_sink_init(&sink, parsed.quiet);
        sg_call call = {
                .verb = verb,
                .options = parsed.options,
                .operand_count = parsed.operand_count,
                .operands = parsed.operands,
                .json = parsed.json,
                .quiet = parsed.quiet,
                .log = &sink.log,
                .given = parsed.given,
        };
        code = verb->run(&call);
        sg_cli_sink_finish(&sink);
    }
    sg_parsed_dispose(&parsed);
    return code;
}

static int dispatch(int argc, char **argv) {
    if (argc == 0) {
        print_overview(stderr);
        return SG_EXIT_USAGE;
    }
    if (is_any(argv[0], "--version", "-V")) {
        printf("sonograde %s (%s)\n", sg_version(), sg_build_id());
        return SG_EXIT_OK;
    }
    bool help = is_any(argv[0], "help", NULL);
    if (is_any(argv[0], "--help", "-h") || (help && argc == 1)) {
        print_overview(stdout);
        return SG_EXIT_OK;
    }
    int words;
    const sg_verb *verb = find_verb(&words, argc - help, argv + help);
    if (!verb && print_family(argc - help, argv + help)) return SG_EXIT_OK;
    if (!verb) return explain_unknown(argc - help, argv + help);
    if (help) {
        print_help(verb);
        return SG_EXIT_OK;
    }
    return run_verb(verb, argc - words, argv + words);
}

/* A result that did not reach its file is a failure; a reader that left early is not. */
static int finish_output(int code) {
    bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (!lost || code != SG_EXIT_OK) return code;
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    if (poll(&out, 1, 0) == 1 && (out.revents & POLLERR)) return code;
    fputs("sonograde: cannot write standard output; is its disk full?\n", stderr);
    return SG_EXIT_FAILURE;
}

int main(int argc, char **argv) {
    sg_thread_wait_bound(argv);
    sg_cli_prepare();
    return finish_output(dispatch(argc - 1, argv + 1));
}

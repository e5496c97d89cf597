/* cli.c - exit codes, signals and what is said on stderr.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/cli.h"
#include "base/file.h"
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

volatile sig_atomic_t sg_cli_stop;

static const double terminal_interval_s = 0.1, log_interval_s = 30;

/* ---- failure ---- */

static const struct {
    sg_status status;
    int exit_code;
} exit_codes[] = {
        {SG_OK, SG_EXIT_OK},
        {SG_ERR_USAGE, SG_EXIT_USAGE},
        {SG_ERR_MISSING, SG_EXIT_DATA},
        {SG_ERR_FORMAT, SG_EXIT_DATA},
        {SG_ERR_INPUT, SG_EXIT_DATA},
        {SG_ERR_SHAPE, SG_EXIT_DATA},
        {SG_ERR_MISMATCH, SG_EXIT_MISMATCH},
};

static int exit_code_of(sg_status status) {
    if (status == SG_ERR_INTERRUPTED)
        return sg_cli_stop == SIGINT ? SG_EXIT_SIGINT : SG_EXIT_SIGTERM;
    for (size_t i = 0; i < sizeof exit_codes / sizeof *exit_codes; i++)
        if (exit_codes[i].status == status) return exit_codes[i].exit_code;
    return SG_EXIT_FAILURE;
}

void sg_cli_print_safe(FILE *stream, const char *text) {
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        /* C1 controls are two bytes in UTF-8: C2 80 to C2 9F. */
        bool c1 = p[0] == 0xC2 && p[1] >= 0x80 && p[1] <= 0x9F;
        bool control = (*p < 0x20 && *p != '\t' && *p != '\n') || *p == 0x7F || c1;
        fputc(control ? '?' : *p, stream);
        if (c1) p++;
    }
}

bool sg_cli_is_given(const sg_call *call, const char *name) {
    for (size_t row = 0; call->verb->options[row].name; row++)
        if (strcmp(call->verb->options[row].name, name) == 0) return call->given[row];
    return false;
}

sg_status sg_cli_check_distinct(
        const char *const *paths, int count, const char *why, sg_error *err) {
    sg_status st = SG_OK;
    for (int i = 1; i < count && !st; i++)
        for (int k = 0; k < i && !st; k++) {
            char *a = realpath(paths[i], NULL), *b = realpath(paths[k], NULL);
            if (a && b && strcmp(a, b) == 0)
                st = sg_fail(
                        err, SG_ERR_USAGE, "%s is named twice: %s, leave it out", paths[i], why);
            free(a);
            free(b);
        }
    return st;
}

int sg_cli_fail(const sg_error *err) {
    if (isatty(STDERR_FILENO)) fputs("\r\033[K", stderr);
    fputs("sonograde: ", stderr);
    sg_cli_print_safe(stderr, *err->message ? err->message : sg_status_name(err->code));
    fputc('\n', stderr);
    return exit_code_of(err->code);
}

void sg_cli_print_json(json_t *value) {
    char *text = json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(17) | JSON_ENCODE_ANY);
    if (text)
        puts(text);
    else
        fputs("sonograde: the result cannot be written as JSON\n", stderr);
    free(text);
    json_decref(value);
}

/* Of the kinds that a run folder keeps itself; pages and exports may lie in it and be replaced. */
static bool is_kind_of_run(const char *path) {
    static const char *const kinds[] = {".yaml", ".csv", ".json", ".jsonl", ".safetensors"};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (sg_ends_with(path, kinds[i])) return true;
    return false;
}

/* RUN/args.yaml, RUN/weights/best.safetensors, RUN/fold0/weights/best.safetensors */
static bool is_inside_run(const char *path) {
    char *folder = realpath(path, NULL), *slash;
    bool inside = false;
    for (int up = 0; up < 3 && folder && !inside && (slash = strrchr(folder, '/')); up++) {
        *slash = '\0';
        char *settings = sg_path_join(folder, "args.yaml");
        inside = settings && sg_path_exists(settings);
        free(settings);
    }
    free(folder);
    return inside;
}

sg_status sg_cli_check_output(const char *path, sg_error *err) {
    static const char *const images[] = {
            ".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".pgm", ".dcm"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof images / sizeof *images; i++)
        if (strcasecmp(dot, images[i]) == 0)
            return sg_fail(err, SG_ERR_USAGE,
                    "-o %s is named like an image, and no image is written here: give the file "
                    "another name",
                    path);
    if (is_kind_of_run(path) && is_inside_run(path))
        return sg_fail(err, SG_ERR_USAGE,
                "%s is part of a run, which would be lost with it: write to another name", path);
    return SG_OK;
}

/* ---- signals ---- */

static void note_signal(int number) {
    sg_cli_stop = number;
}

void sg_cli_prepare(void) {
    static const struct {
        int number, flags;
    } signals[] = {
            {SIGINT, SA_RESTART | (int)SA_RESETHAND},
            {SIGTERM, SA_RESTART | (int)SA_RESETHAND},
            {SIGUSR1, SA_RESTART},
    };
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_handler = note_signal, .sa_flags = signals[i].flags};
        sigemptyset(&action.sa_mask);
        sigaction(signals[i].number, &action, NULL);
    }
    signal(SIGPIPE, SIG_IGN);
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", fd ? O_WRONLY : O_RDONLY);
}

/* ---- the log sink ---- */

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void close_line(sg_cli_sink *sink) {
    if (sink->line_open) fputs("\r\033[K", stderr);
    sink->line_open = false;
}

static void show_line(void *user, sg_log_level level, const char *text) {
    sg_cli_sink *sink = user;
    if (sink->quiet && level < SG_LOG_WARN) return;
    close_line(sink);
    if (level == SG_LOG_WARN) fputs(sink->color ? "\033[33mwarning:\033[0m " : "warning: ", stderr);
    sg_cli_print_safe(stderr, text);
    fputc('\n', stderr);
}

/* "1:02:03" or "2:03" */
static void put_duration(char *out, size_t size, double seconds) {
    if (!(seconds < 359999)) seconds = 359999;
    long s = lround(seconds);
    if (s >= 3600)
        (void)snprintf(out, size, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        (void)snprintf(out, size, "%ld:%02ld", s / 60, s % 60);
}

static void print_progress(const sg_cli_sink *sink, double done, double total, double elapsed) {
    double rate = elapsed > 0 ? (done - sink->first) / elapsed : 0;
    sg_cli_print_safe(stderr, sink->what);
    fprintf(stderr, " %.0f", done);
    if (total > 0) fprintf(stderr, "/%.0f (%.0f %%)", total, 100 * done / total);
    if (rate > 0) fprintf(stderr, "  %.*f/s", rate < 10 ? 2 : 0, rate);
    if (rate > 0 && total > done) {
        char left[32];
        put_duration(left, sizeof left, (total - done) / rate);
        fprintf(stderr, "  %s left", left);
    }
}

/* The same work: what stands before a colon, or all of it, is the same, and it went on. */
static bool goes_on(const sg_cli_sink *sink, const char *what, double done) {
    size_t name = strcspn(what, ":");
    if (name >= sizeof sink->what) name = sizeof sink->what - 1;
    return done >= sink->last_done && strncmp(what, sink->what, name) == 0 &&
           strcspn(sink->what, ":") == name;
}

static void show_progress(void *user, const char *what, double done, double total) {
    sg_cli_sink *sink = user;
    if (sink->quiet) return;
    double now = now_s();
    if (!goes_on(sink, what, done)) {
        sink->began = now;
        sink->first = done;
        if (!sink->terminal) sink->shown = now;
    }
    (void)snprintf(sink->what, sizeof sink->what, "%s", what);
    sink->last_done = done;
    if (now - sink->shown < (sink->terminal ? terminal_interval_s : log_interval_s)) return;
    sink->shown = now;
    if (sink->terminal) fputs("\r", stderr);
    print_progress(sink, done, total, now - sink->began);
    fputs(sink->terminal ? "\033[K" : "\n", stderr);
    fflush(stderr);
    sink->line_open = sink->terminal;
}

void sg_cli_sink_init(sg_cli_sink *sink, bool quiet) {
    const char *term = getenv("TERM");
    const char *no_color = getenv("NO_COLOR");
    bool terminal = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    *sink = (sg_cli_sink){
            .log = {.line = show_line, .progress = show_progress, .least = SG_LOG_INFO},
            .quiet = quiet,
            .terminal = terminal,
            .color = terminal && !(no_color && *no_color),
    };
    sink->log.user = sink;
}

void sg_cli_sink_finish(sg_cli_sink *sink) {
    close_line(sink);
}

int sg_cli_run_verb(const sg_call *call, const sg_verb *verb, int argc, char *const *argv) {
    sg_error err = SG_ERROR_INIT;
    sg_parsed parsed;
    if (sg_options_parse(&parsed, verb, argc, argv, &err)) return sg_cli_fail(&err);
    const sg_call inner = {.verb = verb,
            .options = parsed.options,
            .operand_count = parsed.operand_count,
            .operands = parsed.operands,
            .quiet = true,
            .log = call->log,
            .given = parsed.given};
    int code = verb->run(&inner);
    sg_parsed_dispose(&parsed);
    return code;
}

/* tune_spawn.c - a search in several processes side by side: the same command, which joins the
 * study. SPDX-License-Identifier: Apache-2.0 */
#include "base/thread.h"
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const char parent_variable[] = "SONOGRADE_TUNE_PARENT";

static sg_status no_memory(sg_error *err) {
    return sg_fail(err, SG_ERR_MEMORY, "out of memory starting processes");
}

static char **copy_command(const sg_tune *t, size_t *count) {
    sg_str all;
    sg_str_init(&all, 0);
    sg_options_to_yaml(&all, t->call->verb, t->call->options);
    sg_yaml yaml = {0};
    char **argv = NULL;
    if (!sg_str_check(&all, NULL) &&
            !sg_yaml_parse(&yaml, all.data, all.len, t->call->verb->name, NULL))
        argv = calloc(yaml.count + 8, sizeof *argv);
    *count = 0;
    if (argv) {
        argv[(*count)++] = sg_strdup("sonograde");
        argv[(*count)++] = sg_strdup("tune");
        argv[(*count)++] = sg_strdup("--quiet");
    }
    if (argv) argv[(*count)++] = sg_strdup("--side-by-side=1");
    for (size_t i = 0; argv && i < yaml.count; i++) {
        const sg_yaml_entry *e = &yaml.entries[i];
        if (strcmp(e->key, "side-by-side") == 0) continue;
        if (strcmp(e->value, "true") == 0)
            argv[(*count)++] = sg_strdupf("--%s", e->key);
        else if (strcmp(e->value, "false") != 0)
            argv[(*count)++] = sg_strdupf("--%s=%s", e->key, e->value);
    }
    sg_yaml_dispose(&yaml);
    sg_str_dispose(&all);
    return argv;
}

static void free_command(char **argv, size_t count) {
    for (size_t i = 0; argv && i < count; i++) free(argv[i]);
    free(argv);
}

static long long choose_processes(const sg_tune_args *a) {
    long long threads = a->dataset.threads ? a->dataset.threads : 1;
    long long n = sg_cpu_count() / threads;
    if (a->side_by_side) return a->side_by_side;
    if (n > a->population) n = a->population;
    return n > 1 ? n : 1;
}

static void share_processors(sg_tune *t) {
    long long share = sg_cpu_count() / t->processes;
    if (t->processes > 1 && !t->args->dataset.threads) {
        t->args->dataset.threads = share > 1 ? share : 1;
        t->shares = true;
    }
}

static void name_parent(void) {
    char pid[24];
    (void)snprintf(pid, sizeof pid, "%ld", (long)getpid());
    (void)setenv(parent_variable, pid, 1);
}

bool sg_tune_follow_parent(void) {
    const char *text = getenv(parent_variable);
    long long parent;
    if (!text || !sg_parse_int64(&parent, text)) return false;
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != (pid_t)parent) (void)raise(SIGTERM);
    (void)unsetenv(parent_variable);
    return true;
}

sg_status sg_tune_spawn(sg_tune *t, sg_error *err) {
    size_t count;
    if (t->processes) return SG_OK;
    t->processes = choose_processes(t->args);
    long long others = t->processes - 1;
    if (others < 1) return SG_OK;
    share_processors(t);
    name_parent();
    char **argv = copy_command(t, &count);
    pid_t *pids = calloc((size_t)others, sizeof *pids);
    sg_status st = argv && pids ? SG_OK : no_memory(err);
    for (size_t i = 0; !st && i < count; i++)
        if (!argv[i]) st = no_memory(err);
    for (long long i = 0; !st && i < others; i++) {
        int failed = posix_spawn(&pids[i], "/proc/self/exe", NULL, NULL, argv, environ);
        if (failed)
            st = sg_fail(err, SG_ERR_IO, "cannot start another process: %s", strerror(failed));
    }
    free_command(argv, count);
    t->children = pids;
    return st;
}

void sg_tune_join(sg_tune *t, bool failed) {
    for (long long i = 0; t->children && i < t->processes - 1; i++) {
        int status = 0;
        if (t->children[i] <= 0) continue;
        if (failed || sg_cli_stop) (void)kill(t->children[i], SIGTERM);
        while (waitpid(t->children[i], &status, 0) < 0 && errno == EINTR) {
        }
    }
    free(t->children);
    t->children = NULL;
    if (t->shares) t->args->dataset.threads = 0;
}

/* tune_spawn.c - a search in several processes side by side: the same command, which joins the
 * study. SPDX-License-Identifier: Apache-2.0 */
#include "cli/tune_study.h"
#include "cli/verbs.h"
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

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

sg_status sg_tune_spawn(pid_t **children, const sg_tune *t, sg_error *err) {
    long long others = t->args->side_by_side - 1;
    size_t count;
    *children = NULL;
    if (others < 1) return SG_OK;
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
    *children = pids;
    return st;
}

void sg_tune_join(pid_t *children, const sg_tune *t) {
    for (long long i = 0; children && i < t->args->side_by_side - 1; i++) {
        int status = 0;
        if (children[i] <= 0) continue;
        if (sg_cli_stop) (void)kill(children[i], SIGTERM);
        while (waitpid(children[i], &status, 0) < 0 && errno == EINTR) {
        }
    }
    free(children);
}

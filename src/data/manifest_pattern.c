/* manifest_pattern.c - groups from a pattern on the path, for folders whose file names say who was
 * examined: "p([0-9]+)_" makes one group of p07_left.png and p07_right.png.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"
#include "data/manifest_internal.h"
#include <regex.h>
#include <stdlib.h>
#include <string.h>

static sg_status compile(regex_t *regex, const char *pattern, sg_error *err) {
    if (!strchr(pattern, '('))
        return sg_fail(err, SG_ERR_USAGE,
                "--group-by '%s': there is no such column, and a pattern on the path needs one "
                "part in parentheses, such as 'p([0-9]+)_'",
                pattern);
    int failure = regcomp(regex, pattern, REG_EXTENDED);
    if (failure) {
        char why[128];
        regerror(failure, regex, why, sizeof why);
        return sg_fail(err, SG_ERR_USAGE, "--group-by '%s': not a pattern: %s", pattern, why);
    }
    if (regex->re_nsub != 1) {
        size_t parts = regex->re_nsub;
        regfree(regex);
        return sg_fail(err, SG_ERR_USAGE,
                "--group-by '%s': has %zu parts in parentheses; the one that names the group is "
                "needed, and no other",
                pattern, parts);
    }
    return SG_OK;
}

static sg_status label_row(
        char **label, const regex_t *regex, const char *pattern, const char *path, sg_error *err) {
    regmatch_t match[2];
    if (regexec(regex, path, 2, match, 0) != 0 || match[1].rm_so == match[1].rm_eo)
        return sg_fail(err, SG_ERR_INPUT,
                "%s: --group-by '%s' finds no group in this path; widen the pattern (POSIX "
                "extended: [0-9], not \\d) so that every image has its group",
                path, pattern);
    *label = sg_strdupf("%.*s", (int)(match[1].rm_eo - match[1].rm_so), path + match[1].rm_so);
    return *label ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory for groups");
}

sg_status sg_manifest_group_by_pattern(
        sg_manifest_builder *builder, bool *grouped, const char *pattern, sg_error *err) {
    if (!pattern) return SG_OK;
    sg_manifest *m = &builder->manifest;
    regex_t regex;
    sg_status status = compile(&regex, pattern, err);
    if (status) return status;
    for (size_t i = 0; i < m->count && !status; i++) {
        free(builder->groups[i]);
        builder->groups[i] = NULL;
        status = label_row(&builder->groups[i], &regex, pattern, m->rows[i].path, err);
    }
    regfree(&regex);
    if (status) return status;
    m->grouping = SG_GROUPING_REGEX;
    m->grouping_detail = sg_strdup(pattern);
    if (!m->grouping_detail) return sg_fail(err, SG_ERR_MEMORY, "out of memory for groups");
    *grouped = true;
    return SG_OK;
}

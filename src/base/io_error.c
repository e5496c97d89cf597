/* io_error.c - errno in words, with the remedy.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/io_error.h"
#include <errno.h>
#include <string.h>

static const struct {
    int number;
    const char *remedy;
} remedies[] = {
        {ENOENT, "; check the path"},
        {ENOTDIR, "; check the path"},
        {EACCES, "; check its permissions and those of its folder"},
        {EROFS, "; choose another folder"},
        {ENOSPC, "; free some space or choose another folder"},
        {EDQUOT, "; free some space or choose another folder"},
        {EMFILE, "; raise the limit on open files (ulimit -n)"},
        {ENAMETOOLONG, "; choose a shorter name"},
};

sg_status sg_io_fail(sg_error *err, const char *what, const char *path) {
    int number = errno;
    const char *remedy = "";
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++)
        if (remedies[i].number == number) remedy = remedies[i].remedy;
    sg_status code = number == ENOENT || number == ENOTDIR ? SG_ERR_MISSING : SG_ERR_IO;
    return sg_fail(err, code, "%s %s: %s%s", what, path, strerror(number), remedy);
}

/* study_owner.c - whose trial is this, and is he still there? A process is named by the boot of its
 * machine, its number and its start time, so that neither a reused number nor a clock that goes
 * back can make a dead one look alive. SPDX-License-Identifier: Apache-2.0 */
#include "tune/study_internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static void read_line(char *out, size_t size, const char *path) {
    out[0] = '\0';
    FILE *f = fopen(path, "re");
    if (!f) return;
    size_t n = fread(out, 1, size - 1, f);
    fclose(f);
    out[n] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

static void boot_id(char out[64]) {
    read_line(out, 64, "/proc/sys/kernel/random/boot_id");
    if (!out[0]) snprintf(out, 64, "unknown");
}

/* Field 22 of /proc/PID/stat, counted after the name in parentheses; 0 when there is no process, or
 * one that has ended and whose parent, at work itself, has not asked how (field 3 is Z). */
static unsigned long long start_time(long pid) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    read_line(line, sizeof line, path);
    char *at = strrchr(line, ')');
    if (at && (strncmp(at, ") Z", 3) == 0 || strncmp(at, ") X", 3) == 0)) return 0;
    for (int field = 2; at && field < 22; field++) at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

/* Containers of one machine share its boot and count their processes apart; 0: not known. */
static unsigned long long pid_namespace(void) {
    struct stat about;
    return stat("/proc/self/ns/pid", &about) == 0 ? (unsigned long long)about.st_ino : 0;
}

void sg_owner_name(char out[160]) {
    char boot[64];
    boot_id(boot);
    long pid = (long)getpid();
    snprintf(out, 160, "%s:%ld:%llu:%llu", boot, pid, start_time(pid), pid_namespace());
}

sg_owner_state sg_owner_look(const char *owner) {
    char boot[64];
    boot_id(boot);
    size_t length = strlen(boot);
    if (strncmp(owner, boot, length) != 0 || owner[length] != ':') return SG_OWNER_ELSEWHERE;
    char *end;
    long pid = strtol(owner + length + 1, &end, 10);
    unsigned long long began = *end == ':' ? strtoull(end + 1, &end, 10) : 0;
    if (*end == ':' && strtoull(end + 1, NULL, 10) != pid_namespace()) return SG_OWNER_ELSEWHERE;
    return began && start_time(pid) == began ? SG_OWNER_ALIVE : SG_OWNER_GONE;
}

void sg_study_now(char out[32]) {
    struct timeval now;
    struct tm local;
    char text[24];
    gettimeofday(&now, NULL);
    localtime_r(&now.tv_sec, &local);
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    snprintf(out, 32, "%.19s.%06ld", text, (long)now.tv_usec);
}

/* cmd_doctor.c - `sonograde doctor`: what this machine offers and whether everything we need works.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/thread.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/thread_wait.h"
#include <inttypes.h>
#include <png.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <yaml.h>

typedef struct doctor_options {
    const char *folder;
} doctor_options;

static const sg_option options[] = {
        {"folder", 0, SG_OPTION_PATH, offsetof(doctor_options, folder), ".", "DIR",
                "folder whose disk is looked at", 0, 0},
        {0},
};

/* ---- what is there ---- */

static json_t *cpu_features(void) {
    json_t *cpu = json_object();
#if defined(__x86_64__)
    __builtin_cpu_init();
    json_object_set_new(cpu, "avx2", json_boolean(__builtin_cpu_supports("avx2") != 0));
    json_object_set_new(cpu, "fma", json_boolean(__builtin_cpu_supports("fma") != 0));
    json_object_set_new(cpu, "avx512", json_boolean(__builtin_cpu_supports("avx512f") != 0));
    json_object_set_new(cpu, "vnni", json_boolean(__builtin_cpu_supports("avx512vnni") != 0));
#endif
    return cpu;
}

static json_t *library_versions(void) {
    int major = 0, minor = 0, patch = 0;
    yaml_get_version(&major, &minor, &patch);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "libpng", png_get_libpng_ver(NULL),
            "libjpeg-turbo", sg_turbojpeg_version(), "jansson", jansson_version_str(), "libyaml",
            yaml_get_version_string(), "libsodium", sodium_version_string());
}

/* The number after "<key>:" in /proc/meminfo, in bytes; 0 when unknown. */
static long long memory_bytes(const char *key) {
    FILE *f = fopen("/proc/meminfo", "re");
    if (!f) return 0;
    char line[160];
    long long kib = 0;
    size_t n = strlen(key);
    while (fgets(line, sizeof line, f))
        if (strncmp(line, key, n) == 0 && line[n] == ':') kib = strtoll(line + n + 1, NULL, 10);
    fclose(f);
    return kib * 1024;
}

static long long free_disk_bytes(const char *folder) {
    struct statvfs info;
    if (statvfs(folder, &info)) return -1;
    return (long long)info.f_bavail * (long long)info.f_frsize;
}

/* ---- what works ---- */

static sg_status check_hash(sg_error *err) {
    char hex[SG_SHA256_HEX];
    sg_sha256_hex(hex, "abc", 3);
    if (strncmp(hex, "ba7816bf8f01cfea", 16) == 0) return SG_OK;
    return sg_fail(err, SG_ERR_INTERNAL, "SHA-256 of 'abc' came out as %s", hex);
}

static sg_status check_random(sg_error *err) {
    uint32_t out[4];
    sg_philox4x32(out, (uint32_t[4]){0}, (uint32_t[2]){0});
    if (out[0] == 0x6627e8d5u) return SG_OK;
    return sg_fail(err, SG_ERR_INTERNAL, "Philox gave %08" PRIx32, out[0]);
}

static sg_status count_item(void *user, size_t i, sg_error *err) {
    (void)err;
    ((unsigned char *)user)[i] = 1;
    return SG_OK;
}

static sg_status check_threads(sg_error *err) {
    unsigned char seen[64] = {0};
    sg_pool *pool;
    sg_status status = sg_pool_create(&pool, sg_cpu_count(), err);
    if (status) return status;
    status = sg_pool_for(pool, sizeof seen, count_item, seen, err);
    sg_pool_destroy(pool);
    if (!status && memchr(seen, 0, sizeof seen))
        status = sg_fail(err, SG_ERR_INTERNAL, "the thread pool left work undone");
    return status;
}

static sg_status check_disk(const char *folder, sg_error *err) {
    char *path = sg_path_join(folder, ".sonograde-doctor");
    if (!path) return sg_fail(err, SG_ERR_MEMORY, "out of memory");
    sg_status status = sg_file_write(path, "ok\n", 3, err);
    unlink(path);
    free(path);
    return status;
}

/* One small convolution on a backend: an input of ones under a 3 x 3 kernel of ones. */
static sg_status run_convolution(sg_backend *backend, sg_error *err) {
    sg_problem problem = {.op = SG_OP_CONV,
            .pass = SG_PASS_INFER,
            .dtype = SG_F32,
            .src_count = 1,
            .src = {sg_shape4(1, 1, 3, 3)},
            .dst = sg_shape4(1, 1, 1, 1),
            .kernel = {3, 3},
            .stride = {1, 1},
            .dilation = {1, 1},
            .groups = 1};
    sg_shape weight_shape = sg_shape4(1, 1, 3, 3);
    sg_wanted wanted = {0};
    sg_status status = sg_problem_infer(&problem, err);
    if (!status)
        status = backend->ops->plain_layout(
                &wanted.arg[SG_ARG_SRC0], backend, &problem.src[0], SG_F32, err);
    if (!status)
        status = backend->ops->plain_layout(
                &wanted.arg[SG_ARG_WEIGHT], backend, &weight_shape, SG_F32, err);
    if (!status)
        status = backend->ops->plain_layout(
                &wanted.arg[SG_ARG_DST], backend, &problem.dst, SG_F32, err);
    sg_primitive *conv = NULL;
    if (!status) status = sg_primitive_compile(&conv, backend, &problem, &wanted, NULL, err);
    if (status) return status;
    const sg_layout *scratch = sg_primitive_layout(conv, SG_ARG_SCRATCH);
    sg_tensor ones = {0}, sum = {0}, work = {0};
    int64_t bytes = scratch ? (int64_t)scratch->bytes : 0;
    sg_shape work_shape = sg_shape_of(1, &bytes);
    status = sg_tensor_create(&ones, SG_F32, &problem.src[0], err);
    if (!status) status = sg_tensor_create(&sum, SG_F32, &problem.dst, err);
    if (!status) status = sg_tensor_create(&work, SG_U8, &work_shape, err);
    if (!status) {
        for (int i = 0; i < 9; i++) ((float *)ones.data)[i] = 1;
        void *args[SG_ARG_COUNT] = {0};
        args[SG_ARG_SRC0] = args[SG_ARG_WEIGHT] = ones.data;
        args[SG_ARG_DST] = sum.data;
        if (scratch) args[SG_ARG_SCRATCH] = work.data;
        status = sg_primitive_execute(conv, args, err);
    }
    if (!status && *(float *)sum.data != 9.0f)
        status = sg_fail(err, SG_ERR_INTERNAL, "a convolution gave %g in place of 9",
                (double)*(float *)sum.data);
    sg_tensor_dispose(&work);
    sg_tensor_dispose(&sum);
    sg_tensor_dispose(&ones);
    sg_primitive_destroy(conv);
    return status;
}

static sg_status check_backend(const char *name, char *description, size_t size, sg_error *err) {
    sg_backend *backend;
    sg_backend_options settings = SG_BACKEND_OPTIONS_INIT;
    settings.deterministic = true;
    settings.winograd = false;
    sg_status status = sg_backend_create(&backend, name, &settings, err);
    if (status) return status;
    (void)snprintf(description, size, "%s", backend->ops->describe(backend));
    status = run_convolution(backend, err);
    sg_backend_destroy(backend);
    return status;
}

/* ---- the findings ---- */

static void note(json_t *checks, bool *well, const char *name, sg_status status, const char *detail,
        const sg_error *err) {
    if (status) *well = false;
    json_array_append_new(checks, json_pack("{s:s, s:b, s:o}", "check", name, "ok", status == SG_OK,
                                          "detail", sg_json_text(status ? err->message : detail)));
}

static json_t *run_checks(bool *well, const char *folder) {
    json_t *checks = json_array();
    sg_error err = SG_ERROR_INIT;
    note(checks, well, "sha256", check_hash(&err), "", &err);
    note(checks, well, "random numbers", check_random(&err), "", &err);
    note(checks, well, "threads", check_threads(&err), "", &err);
    note(checks, well, "writing to the folder", check_disk(folder, &err), "", &err);
    for (const char *const *name = sg_backend_names(); *name; name++) {
        char label[64], description[256] = "";
        (void)snprintf(label, sizeof label, "backend %s", *name);
        sg_status status = check_backend(*name, description, sizeof description, &err);
        note(checks, well, label, status, description, &err);
    }
    return checks;
}

static void print_number(const char *label, long long bytes) {
    if (bytes > 0) printf("%-12s %.1f GiB\n", label, (double)bytes / (1 << 30));
}

static void print_plain(const json_t *found) {
    const char *key;
    json_t *value;
    size_t i;
    printf("sonograde    %s (%s)\n", sg_version(), sg_build_id());
    printf("processors   %d usable;", sg_cpu_count());
    json_object_foreach(json_object_get(found, "cpu"), key, value)
            printf(" %s%s", json_is_true(value) ? "" : "no ", key);
    printf("\nlibraries   ");
    json_object_foreach(json_object_get(found, "libraries"), key, value)
            printf(" %s %s", key, json_string_value(value));
    printf("\nwaiting      %s\n", json_string_value(json_object_get(found, "thread_waiting")));
    print_number("memory", json_integer_value(json_object_get(found, "memory_bytes")));
    print_number("available", json_integer_value(json_object_get(found, "memory_available_bytes")));
    print_number("free disk", json_integer_value(json_object_get(found, "disk_free_bytes")));
    json_array_foreach(json_object_get(found, "checks"), i, value) {
        const char *detail = json_string_value(json_object_get(value, "detail"));
        bool ok = json_is_true(json_object_get(value, "ok"));
        printf("%-12s %s%s", ok ? "works" : "FAILS",
                json_string_value(json_object_get(value, "check")), *detail ? ": " : "");
        sg_cli_print_safe(stdout, detail);
        putchar('\n');
    }
    puts(json_is_true(json_object_get(found, "ok")) ? "Everything needed works."
                                                    : "Something needed does not work; see FAILS.");
}

static int run(const sg_call *call) {
    const doctor_options *o = call->options;
    bool well = true;
    json_t *checks = run_checks(&well, o->folder);
    json_t *found = json_pack("{s:s, s:s, s:i, s:o, s:o, s:o, s:I, s:I, s:I, s:o, s:b}", "version",
            sg_version(), "build", sg_build_id(), "processors", sg_cpu_count(), "cpu",
            cpu_features(), "libraries", library_versions(), "thread_waiting",
            sg_json_text(sg_thread_wait_setting()), "memory_bytes",
            (json_int_t)memory_bytes("MemTotal"), "memory_available_bytes",
            (json_int_t)memory_bytes("MemAvailable"), "disk_free_bytes",
            (json_int_t)free_disk_bytes(o->folder), "checks", checks, "ok", well);
    if (call->json) {
        sg_cli_print_json(found);
    } else {
        print_plain(found);
        json_decref(found);
    }
    return well ? SG_EXIT_OK : SG_EXIT_FAILURE;
}

const sg_verb sg_verb_doctor = {
        .name = "doctor",
        .operands = "",
        .summary = "tell what this machine offers and whether everything needed works",
        .examples = "sonograde doctor\nsonograde doctor --json",
        .options = options,
        .struct_size = sizeof(doctor_options),
        .run = run,
};

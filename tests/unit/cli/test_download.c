/* test_download.c - fetching from a server on 127.0.0.1 that misbehaves: each way has its words,
 * nothing wrong is ever named as the file, and what was received is gone on from.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "cli/download.h"
#include "support/bad_server.h"
#include "support/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static bad_server server;
static char digest[SG_SHA256_HEX];
static unsigned char whole[BAD_SERVER_SIZE];

static sg_status fetch_with(
        const char *path, const char *sha256, const volatile sig_atomic_t *stop, sg_error *err) {
    char url[96];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d%s", server.port, path);
    const sg_download d = {.url = url,
            .path = "got",
            .name = "thing",
            .sha256 = sha256,
            .size_max = BAD_SERVER_SIZE + 1000,
            .stall_s = 1,
            .stop = stop};
    return sg_download_file(&d, err);
}

static sg_status fetch(const char *path, sg_error *err) {
    return fetch_with(path, digest, NULL, err);
}

static size_t size_of(const char *path) {
    char *data;
    size_t size;
    if (sg_file_read(&data, &size, path, 10 * BAD_SERVER_SIZE, NULL)) return 0;
    free(data);
    return size;
}

static int clean(void **state) {
    (void)state;
    unlink("got");
    unlink("got.part");
    unlink("got.part.tag");
    return 0;
}

static void check_got(void) {
    char *data;
    size_t size;
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_file_read(&data, &size, "got", 10 * BAD_SERVER_SIZE, &err));
    assert_int_equal(size, BAD_SERVER_SIZE);
    assert_memory_equal(data, whole, BAD_SERVER_SIZE);
    free(data);
    assert_false(sg_path_exists("got.part"));
    assert_false(sg_path_exists("got.part.tag"));
}

/* `n` bytes as an earlier, interrupted call would have left them. */
static void leave_part(size_t n, const char *tag) {
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_file_write("got.part", whole, n, &err));
    if (tag) CHECK_OK(sg_file_write("got.part.tag", tag, strlen(tag), &err));
}

static void test_whole(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    static const char *const paths[] = {"/good", "/plain", "/hop"};
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(fetch(paths[i], &err));
        check_got();
        clean(NULL);
    }
    digest[8] = '\0'; /* the first eight digits do */
    sg_status st = fetch("/good", &err);
    sg_sha256_hex(digest, whole, sizeof whole);
    CHECK_OK(st);
    check_got();
}

/* A server that breaks off is taken up again where it stopped: three halves make seven eighths. */
static void test_goes_on(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(fetch("/cut", &err), SG_ERR_IO, "connection ended after 262500 bytes");
    assert_int_equal(size_of("got.part"), 262500);
    assert_false(sg_path_exists("got"));
    CHECK_OK(fetch("/good", &err));
    check_got();
}

static void test_range_is_used_and_not_trusted(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    leave_part(1000, "\"one\"");
    CHECK_OK(fetch("/good", &err));
    check_got();
    leave_part(1000, "\"one\""); /* another version now: from the beginning */
    CHECK_OK(fetch("/changed", &err));
    check_got();
    leave_part(1000, NULL);
    CHECK_OK(fetch("/plain", &err)); /* Range is ignored */
    check_got();
    leave_part(1000, NULL);
    CHECK_OK(fetch("/never", &err)); /* 416 */
    check_got();
    leave_part(1000, NULL);
    CHECK_OK(fetch("/shifted", &err)); /* another part: dropped, then whole */
    check_got();
    leave_part(BAD_SERVER_SIZE, NULL);
    CHECK_OK(fetch("/done", &err)); /* all was there already */
    check_got();
    leave_part(BAD_SERVER_SIZE / 2, NULL);
    CHECK_FAILS(fetch("/done", &err), SG_ERR_IO, "answers 416");
    leave_part(BAD_SERVER_SIZE / 2, NULL);
    CHECK_FAILS(fetch("/cutplain", &err), SG_ERR_IO, "connection ended after 150000 bytes");
}

static void test_refusals(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(fetch("/none", &err), SG_ERR_MISSING, "answer 404");
    CHECK_FAILS(fetch("/busy", &err), SG_ERR_IO, "answers 503");
    CHECK_FAILS(fetch("/loop", &err), SG_ERR_IO, "in circles");
    CHECK_FAILS(fetch("/file", &err), SG_ERR_IO, "sends us on to an address");
    CHECK_FAILS(fetch("/babble", &err), SG_ERR_IO, "does not speak HTTP");
    CHECK_FAILS(fetch("/huge", &err), SG_ERR_FORMAT, "more than the");
    assert_false(sg_path_exists("got.part")); /* of no use to the next call */
    CHECK_FAILS(fetch("/slow", &err), SG_ERR_IO, "no byte for 1 s");
    assert_int_equal(size_of("got.part"), BAD_SERVER_SIZE / 2);
    assert_false(sg_path_exists("got"));
}

static void test_wrong_bytes_are_deleted(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(fetch("/wrong", &err), SG_ERR_FORMAT, "it was deleted");
    assert_false(sg_path_exists("got"));
    assert_false(sg_path_exists("got.part"));
    CHECK_OK(fetch_with("/wrong", NULL, NULL, &err)); /* nothing to compare with */
    assert_int_equal(size_of("got"), BAD_SERVER_SIZE);
}

static void test_no_network(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    const sg_download d = {.url = "http://127.0.0.1:1/x",
            .path = "got",
            .name = "thing",
            .size_max = 1,
            .stall_s = 1};
    CHECK_FAILS(sg_download_file(&d, &err), SG_ERR_IO, "--from FILE");
    assert_false(sg_path_exists("got.part")); /* nothing came, nothing stays */
}

static void test_full_disk(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    assert_int_equal(symlink("/dev/full", "got.part"), 0);
    CHECK_FAILS(fetch("/good", &err), SG_ERR_IO, "No space left on device");
    assert_false(sg_path_exists("got"));
}

static void test_stop(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    volatile sig_atomic_t stop = SIGINT;
    CHECK_FAILS(fetch_with("/good", digest, &stop, &err), SG_ERR_INTERRUPTED, "goes on from here");
    assert_false(sg_path_exists("got"));
}

static int start(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof whole; i++) whole[i] = bad_server_byte(i);
    sg_sha256_hex(digest, whole, sizeof whole);
    unsetenv("http_proxy");
    return bad_server_start(&server);
}

static int stop_server(void **state) {
    (void)state;
    bad_server_stop(&server);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_teardown(test_whole, clean),
            cmocka_unit_test_teardown(test_goes_on, clean),
            cmocka_unit_test_teardown(test_range_is_used_and_not_trusted, clean),
            cmocka_unit_test_teardown(test_refusals, clean),
            cmocka_unit_test_teardown(test_wrong_bytes_are_deleted, clean),
            cmocka_unit_test_teardown(test_no_network, clean),
            cmocka_unit_test_teardown(test_full_disk, clean),
            cmocka_unit_test_teardown(test_stop, clean),
    };
    return cmocka_run_group_tests(tests, start, stop_server);
}

/* test_file.c - files written whole or not at all, folders, locks, hashes, bad paths.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "support/check.h"
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each test works in its own folder below TMPDIR and leaves nothing. */
static int enter(void **state) {
    const char *base = getenv("TMPDIR");
    char *dir = sg_strdupf("%s/sg-file-XXXXXX", base ? base : "/tmp");
    if (!dir || !mkdtemp(dir)) return -1;
    *state = dir;
    return 0;
}

static int leave(void **state) {
    sg_error err = SG_ERROR_INIT;
    sg_status status = sg_dir_remove(*state, &err);
    free(*state);
    return status ? -1 : 0;
}

static char *in(void **state, const char *name) {
    char *path = sg_path_join(*state, name);
    assert_non_null(path);
    return path;
}

static void assert_content(const char *path, const char *expected) {
    sg_error err = SG_ERROR_INIT;
    char *data;
    size_t size;
    CHECK_OK(sg_file_read(&data, &size, path, 1 << 20, &err));
    assert_int_equal(size, strlen(expected));
    assert_string_equal(data, expected);
    free(data);
}

static size_t names_in(const char *folder) {
    sg_error err = SG_ERROR_INIT;
    char **names;
    size_t n;
    CHECK_OK(sg_dir_list(&names, &n, folder, &err));
    sg_names_free(names);
    return n;
}

static void a_write_replaces_the_whole_file(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *path = in(state, "a (1).txt");
    CHECK_OK(sg_file_write(path, "a longer first text", 19, &err));
    CHECK_OK(sg_file_write(path, "short", 5, &err));
    assert_content(path, "short");
    assert_int_equal(names_in(*state), 1);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(info.st_mode & 0777, 0666 & ~mask);
    free(path);
}

static void an_abandoned_write_leaves_the_old_file(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *path = in(state, "kept");
    CHECK_OK(sg_file_write(path, "old", 3, &err));
    sg_file_writer *w;
    CHECK_OK(sg_file_writer_open(&w, path, &err));
    char big[100000];
    memset(big, 'n', sizeof big);
    CHECK_OK(sg_file_writer_write(w, "new", 3, &err));
    CHECK_OK(sg_file_writer_write(w, big, sizeof big, &err));
    assert_content(path, "old");
    sg_file_writer_abandon(w);
    assert_content(path, "old");
    assert_int_equal(names_in(*state), 1);
    sg_file_writer_abandon(NULL);
    free(path);
}

static void pieces_arrive_in_order(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *path = in(state, "pieces");
    sg_file_writer *w;
    CHECK_OK(sg_file_writer_open(&w, path, &err));
    enum { PIECE = 7001, PIECES = 40 };
    char piece[PIECE];
    for (int i = 0; i < PIECES; i++) {
        memset(piece, 'a' + i % 26, sizeof piece);
        CHECK_OK(sg_file_writer_write(w, piece, sizeof piece, &err));
    }
    CHECK_OK(sg_file_writer_commit(w, &err));
    sg_file_map map;
    CHECK_OK(sg_file_map_open(&map, path, &err));
    assert_int_equal(map.size, PIECE * PIECES);
    for (size_t i = 0; i < map.size; i++) assert_int_equal(map.data[i], 'a' + i / PIECE % 26);
    sg_file_map_close(&map);
    free(path);
}

static void a_full_disk_is_told(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    CHECK_FAILS(sg_file_write("/dev/full", "x", 1, &err), SG_ERR_IO, "free some space");
    CHECK_FAILS(sg_file_append("/dev/full", "x", 1, false, &err), SG_ERR_IO, "/dev/full");
}

static void bad_targets_are_refused(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *missing = in(state, "no/such/folder/file");
    CHECK_FAILS(sg_file_write(missing, "x", 1, &err), SG_ERR_MISSING, "check the path");
    CHECK_FAILS(sg_file_write(*state, "x", 1, &err), SG_ERR_IO, "it is a folder");
    free(missing);
}

/* A limit on the size of files stands in for the full disk. */
static void a_write_that_fails_half_way_leaves_the_old_file(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *path = in(state, "kept"), *line = in(state, "log");
    CHECK_OK(sg_file_write(path, "old", 3, &err));
    CHECK_OK(sg_file_append(line, "one\n", 4, false, &err));
    char *big = calloc(1, 300000);
    assert_non_null(big);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 100000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    sg_status written = sg_file_write(path, big, 300000, NULL);
    sg_status appended = sg_file_append(line, big, 300000, true, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(written, SG_ERR_IO);
    assert_int_equal(appended, SG_ERR_IO);
    assert_content(path, "old");
    assert_content(line, "one\n");
    assert_int_equal(names_in(*state), 2);
    free(big);
    free(line);
    free(path);
}

static void a_link_stays_a_link(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *path = in(state, "real"), *link = in(state, "link");
    CHECK_OK(sg_file_write(path, "old", 3, &err));
    assert_int_equal(symlink("real", link), 0);
    CHECK_OK(sg_file_write(link, "new", 3, &err));
    struct stat info;
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_content(path, "new");
    free(path);
    free(link);
}

static void appending_adds_lines(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *path = in(state, "log");
    CHECK_OK(sg_file_append(path, "one\n", 4, false, &err));
    CHECK_OK(sg_file_append(path, "two\n", 4, true, &err));
    assert_content(path, "one\ntwo\n");
    free(path);
}

static void what_is_no_file_is_refused(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *data;
    size_t size;
    char *pipe_path = in(state, "fifo"), *big = in(state, "big");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    CHECK_FAILS(sg_file_read(&data, &size, pipe_path, 10, &err), SG_ERR_IO, "pipe");
    CHECK_FAILS(sg_file_read(&data, &size, *state, 10, &err), SG_ERR_IO, "is a folder");
    CHECK_FAILS(sg_file_read(&data, &size, "/no/such", 10, &err), SG_ERR_MISSING, "No such file");
    CHECK_OK(sg_file_write(big, "12345678901", 11, &err));
    CHECK_FAILS(sg_file_read(&data, &size, big, 10, &err), SG_ERR_FORMAT, "11 bytes");
    free(pipe_path);
    free(big);
}

static void folders_are_made_listed_and_removed(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *deep = in(state, "x/y/z"), *top = in(state, "x"), *file = in(state, "x/b"),
         *other = in(state, "x/a b"), *link = in(state, "x/link"), *outside = in(state, "outside");
    CHECK_OK(sg_dir_make(deep, &err));
    CHECK_OK(sg_dir_make(deep, &err));
    bool empty;
    CHECK_OK(sg_dir_is_empty(&empty, deep, &err));
    assert_true(empty);
    CHECK_OK(sg_file_write(file, "1", 1, &err));
    CHECK_OK(sg_file_write(other, "2", 1, &err));
    CHECK_OK(sg_file_write(outside, "3", 1, &err));
    CHECK_OK(sg_dir_is_empty(&empty, top, &err));
    assert_false(empty);
    assert_int_equal(symlink("../outside", link), 0);
    char **names;
    size_t n;
    CHECK_OK(sg_dir_list(&names, &n, top, &err));
    assert_int_equal(n, 4);
    assert_string_equal(names[0], "a b");
    assert_string_equal(names[3], "y");
    assert_null(names[4]);
    sg_names_free(names);
    CHECK_FAILS(sg_dir_make(file, &err), SG_ERR_MISSING, "cannot make folder");
    CHECK_OK(sg_dir_remove(top, &err));
    assert_false(sg_path_exists(top));
    assert_content(outside, "3");
    CHECK_OK(sg_dir_remove(top, &err));
    CHECK_FAILS(sg_dir_list(&names, &n, top, &err), SG_ERR_MISSING, "cannot open folder");
    char *all[] = {deep, top, file, other, link, outside};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void a_lock_keeps_others_out_and_names_its_holder(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *path = in(state, "lock"), holder[32];
    sg_file_lock lock, second;
    CHECK_OK(sg_file_lock_take(&lock, path, &err));
    (void)snprintf(holder, sizeof holder, "process %ld", (long)getpid());
    CHECK_FAILS(sg_file_lock_take(&second, path, &err), SG_ERR_INPUT, holder);
    sg_file_lock_drop(&lock);
    CHECK_OK(sg_file_lock_take(&second, path, &err));
    sg_file_lock_drop(&second);
    sg_file_lock_drop(&second);
    assert_content(path, "");
    free(path);
}

static void hashes_match_the_standard(void **state) {
    sg_error err = SG_ERROR_INIT;
    static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    static const char none[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    char hex[SG_SHA256_HEX];
    sg_sha256_hex(hex, "abc", 3);
    assert_string_equal(hex, abc);
    char *path = in(state, "abc");
    CHECK_OK(sg_file_write(path, "abc", 3, &err));
    CHECK_OK(sg_sha256_file(hex, path, &err));
    assert_string_equal(hex, abc);
    CHECK_OK(sg_file_write(path, "", 0, &err));
    CHECK_OK(sg_sha256_file(hex, path, &err));
    assert_string_equal(hex, none);
    sg_file_map map;
    CHECK_OK(sg_file_map_open(&map, path, &err));
    assert_null(map.data);
    sg_file_map_close(&map);
    free(path);
}

static void pseudonyms_hide_the_name_and_keep_apart(void **state) {
    (void)state;
    char one[SG_PSEUDONYM], other[SG_PSEUDONYM];
    sg_pseudonym(one, "key", "Miller, Jane");
    /* hashlib.blake2b(b"Miller, Jane", key=b"key", digest_size=16).hexdigest()[:16] */
    assert_string_equal(one, "ccb5ae3b8c4f1fc8");
    sg_pseudonym(other, "another key", "Miller, Jane");
    assert_string_not_equal(one, other);
    sg_pseudonym(other, "key", "Miller, June");
    assert_string_not_equal(one, other);
    sg_pseudonym(other, "", "");
    assert_int_equal(strlen(other), SG_PSEUDONYM - 1);
}

static void a_mark_is_found_two_folders_up(void **state) {
    sg_error err = SG_ERROR_INIT;
    char *folder = in(state, "marked/class"), *mark = in(state, "marked/MARK");
    char *image = in(state, "marked/class/a.png"), *beside = in(state, "marked/b.png");
    char *winding = in(state, "marked/class/../class/a.png"), *link = in(state, "link.png");
    CHECK_OK(sg_dir_make(folder, &err));
    CHECK_OK(sg_file_write(image, "x", 1, &err));
    CHECK_OK(sg_file_write(beside, "x", 1, &err));
    assert_false(sg_path_marked_above(image, "MARK"));
    CHECK_OK(sg_file_write(mark, "x", 1, &err));
    assert_true(sg_path_marked_above(image, "MARK"));
    assert_true(sg_path_marked_above(winding, "MARK"));
    assert_false(sg_path_marked_above(beside, "MARK"));
    assert_int_equal(symlink("marked/class/a.png", link), 0);
    assert_true(sg_path_marked_above(link, "MARK"));
    assert_false(sg_path_marked_above("/no/such/file", "MARK"));
    char *all[] = {folder, mark, image, beside, winding, link};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void paths_join(void **state) {
    (void)state;
    static const struct {
        const char *folder, *name, *joined;
    } cases[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = sg_path_join(cases[i].folder, cases[i].name);
        assert_string_equal(path, cases[i].joined);
        free(path);
    }
    assert_string_equal(sg_path_base("a/b c.png"), "b c.png");
    assert_string_equal(sg_path_base("plain"), "plain");
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter, leave)

/* Against libsodium alone: every length around whole blocks, and parts that end inside of one. */
static void test_hash_in_parts(void **state) {
    (void)state;
    unsigned char data[700], digest[crypto_hash_sha256_BYTES];
    char hex[SG_SHA256_HEX], expected[SG_SHA256_HEX];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (unsigned char)(i * 7 + i / 64);
    for (size_t size = 0; size < sizeof data; size++) {
        crypto_hash_sha256(digest, data, size);
        sodium_bin2hex(expected, sizeof expected, digest, sizeof digest);
        sg_sha256_hex(hex, data, size);
        assert_string_equal(hex, expected);
        size_t cut = size / 3;
        const void *parts[] = {data, data + cut};
        size_t sizes[] = {cut, size - cut};
        sg_sha256_parts(hex, parts, sizes, 2);
        assert_string_equal(hex, expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
            IN_FOLDER(a_write_replaces_the_whole_file),
            IN_FOLDER(an_abandoned_write_leaves_the_old_file),
            IN_FOLDER(pieces_arrive_in_order),
            IN_FOLDER(bad_targets_are_refused),
            IN_FOLDER(a_write_that_fails_half_way_leaves_the_old_file),
            IN_FOLDER(a_link_stays_a_link),
            IN_FOLDER(appending_adds_lines),
            IN_FOLDER(what_is_no_file_is_refused),
            IN_FOLDER(folders_are_made_listed_and_removed),
            IN_FOLDER(a_lock_keeps_others_out_and_names_its_holder),
            IN_FOLDER(hashes_match_the_standard),
            IN_FOLDER(pseudonyms_hide_the_name_and_keep_apart),
            IN_FOLDER(a_mark_is_found_two_folders_up),
            cmocka_unit_test(test_hash_in_parts),
            cmocka_unit_test(a_full_disk_is_told),
            cmocka_unit_test(paths_join),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* test_audit_images.c - findings of single images: one picture of each kind among ordinary ones.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/audit.h"
#include "image/draw.h"
#include "support/check.h"
#include "support/image_folder.h"

#include <stdio.h>
#include <string.h>

enum { SIDE = 96, ORDINARY = 24 };

static void make(sg_image *out, int width, int height, int channels, uint32_t colour) {
    sg_error err = SG_ERROR_INIT;
    CHECK_OK(sg_image_create(out, width, height, channels, &err));
    sg_draw_fill(out, (sg_rect){0, 0, width, height}, colour);
}

static void save(const char *dir, const char *name, sg_image *image) {
    sg_test_image_write(dir, name, image);
    sg_image_dispose(image);
}

/* A colour picture whose content is an ordinary grey one. */
static void make_colour(sg_image *out, uint32_t seed) {
    sg_image grey;
    sg_test_picture(&grey, seed, SIDE, SIDE);
    make(out, SIDE, SIDE, 3, 0);
    sg_draw_image(out, 0, 0, &grey);
    sg_image_dispose(&grey);
}

static void make_set(const char *dir) {
    sg_image image;
    char name[64];
    for (uint32_t i = 0; i < ORDINARY; i++) {
        snprintf(name, sizeof name, "%s/ordinary %u.png", i % 2 ? "benign" : "normal", i);
        sg_test_picture(&image, 100 + i, SIDE, SIDE);
        save(dir, name, &image);
    }
    make(&image, SIDE, SIDE, 1, 0x101010);
    save(dir, "benign/blank.png", &image);
    make(&image, SIDE, SIDE, 1, 0);
    sg_draw_fill(&image, (sg_rect){30, 40, 25, 20}, 0xffffff);
    save(dir, "benign/lesion.png", &image);
    sg_test_picture(&image, 1, 40, 90);
    save(dir, "benign/tiny.png", &image);
    make_colour(&image, 2);
    sg_draw_fill(&image, (sg_rect){20, 20, 14, 9}, 0xe02010);
    save(dir, "benign/flow.png", &image);
    make_colour(&image, 3);
    sg_draw_box(&image, (sg_rect){20, 20, 40, 30}, 0xe0d020);
    save(dir, "benign/framed.png", &image);
    make(&image, SIDE, SIDE, 3, 0x3060a0);
    sg_draw_fill(&image, (sg_rect){20, 20, 40, 40}, 0x2040f0);
    save(dir, "normal/photo.png", &image);
    sg_test_picture(&image, 4, SIDE, SIDE);
    sg_draw_fill(&image, (sg_rect){0, 0, SIDE, 30}, 0xc0c0c0);
    save(dir, "normal/window.png", &image);
    sg_test_picture(&image, 5, SIDE, SIDE);
    save(dir, "normal/RT Axilla.png", &image);
    sg_test_picture(&image, 6, 4 * SIDE, SIDE);
    save(dir, "normal/wide.png", &image);
}

/* The findings of one kind about a path, joined by spaces. */
static void collect(
        char *out, size_t size, const sg_audit *a, sg_finding_kind kind, const char *path) {
    *out = '\0';
    for (size_t i = 0; i < a->finding_count; i++) {
        const sg_finding *f = &a->findings[i];
        if (f->kind != kind || strcmp(a->manifest.rows[f->row].path, path) != 0) continue;
        size_t used = strlen(out);
        snprintf(out + used, size - used, "%s%s", used ? " " : "", f->what);
        assert_true(*f->detail != '\0');
        assert_int_equal(f->excludes, kind == SG_FINDING_DOMAIN);
    }
}

static void assert_found(
        const sg_audit *a, sg_finding_kind kind, const char *path, const char *what) {
    char found[256];
    assert_true(sg_manifest_find(&a->manifest, path) >= 0);
    collect(found, sizeof found, a, kind, path);
    if (strcmp(found, what) != 0) fail_msg("%s: found '%s', not '%s'", path, found, what);
}

static void test_each_kind_is_found(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char dir[SG_TEST_PATH];
    sg_test_folder_make(dir);
    make_set(dir);
    sg_audit a;
    sg_audit_options o = {0};
    CHECK_OK(sg_audit_run(&a, dir, &o, &err));
    assert_found(&a, SG_FINDING_DOMAIN, "benign/blank.png", "blank");
    assert_found(&a, SG_FINDING_DOMAIN, "benign/lesion.png", "mask");
    assert_found(&a, SG_FINDING_DOMAIN, "benign/tiny.png", "tiny");
    assert_found(&a, SG_FINDING_DOMAIN, "benign/flow.png", "doppler");
    assert_found(&a, SG_FINDING_DOMAIN, "benign/framed.png", "");
    assert_found(&a, SG_FINDING_MARK, "benign/framed.png", "overlay");
    assert_found(&a, SG_FINDING_DOMAIN, "normal/photo.png", "colour");
    assert_found(&a, SG_FINDING_DOMAIN, "normal/window.png", "screenshot");
    assert_found(&a, SG_FINDING_DOMAIN, "normal/RT Axilla.png", "axilla");
    assert_found(&a, SG_FINDING_DOMAIN, "normal/wide.png", "");
    assert_found(&a, SG_FINDING_OUTLIER, "normal/wide.png", "width shape");
    assert_found(&a, SG_FINDING_OUTLIER, "benign/blank.png", "brightness contrast");
    size_t foreign = 0;
    for (size_t i = 0; i < a.finding_count; i++) {
        const char *path = a.manifest.rows[a.findings[i].row].path;
        if (strstr(path, "ordinary")) fail_msg("%s: %s", path, a.findings[i].what);
    }
    for (size_t i = 0; i < a.manifest.count; i++) foreign += a.fates[i].fate == SG_FATE_DOMAIN;
    assert_int_equal(foreign, 7);
    sg_audit_dispose(&a);
    sg_test_folder_remove(dir);
}

/* Among few images nothing is far from the others. */
static void test_few_images_have_no_outliers(void **state) {
    (void)state;
    sg_error err = SG_ERROR_INIT;
    char dir[SG_TEST_PATH];
    sg_test_folder_make(dir);
    sg_image image;
    for (uint32_t i = 0; i < 6; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/%u.png", i % 2 ? "a" : "b", i);
        sg_test_picture(&image, i, i ? SIDE : 5 * SIDE, SIDE);
        save(dir, name, &image);
    }
    sg_audit a;
    sg_audit_options o = {0};
    CHECK_OK(sg_audit_run(&a, dir, &o, &err));
    assert_int_equal(a.finding_count, 0);
    sg_audit_dispose(&a);
    sg_test_folder_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(test_each_kind_is_found),
            cmocka_unit_test(test_few_images_have_no_outliers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

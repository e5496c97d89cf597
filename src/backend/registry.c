/* registry.c - the backends of this build, fastest first, and the thin calls through their tables.
 * SPDX-License-Identifier: Apache-2.0 */
#include "backend/backend.h"
#include "backend/onednn/onednn.h"
#include "backend/ref/ref.h"
#include <string.h>

typedef sg_status (*creator)(sg_backend **out, const sg_backend_options *options, sg_error *err);

static const char *const names[] = {"onednn", "ref", NULL};
static const creator creators[] = {sg_onednn_create, sg_ref_create};

const char *const *sg_backend_names(void) {
    return names;
}

sg_status sg_backend_create(
        sg_backend **out, const char *name, const sg_backend_options *options, sg_error *err) {
    static const sg_backend_options defaults = SG_BACKEND_OPTIONS_INIT;
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return creators[i](out, options ? options : &defaults, err);
    return sg_fail(err, SG_ERR_USAGE, "there is no backend \"%s\"; choose onednn or ref", name);
}

void sg_backend_destroy(sg_backend *backend) {
    if (backend) backend->ops->destroy(backend);
}

sg_status sg_primitive_compile(sg_primitive **out, sg_backend *backend, const sg_problem *problem,
        const sg_wanted *wanted, const sg_primitive *forward, sg_error *err) {
    static const sg_wanted any = {.arg = {NULL}};
    return backend->ops->compile(out, backend, problem, wanted ? wanted : &any, forward, err);
}

void sg_primitive_destroy(sg_primitive *primitive) {
    if (primitive) primitive->ops->primitive_destroy(primitive);
}

const sg_layout *sg_primitive_layout(const sg_primitive *primitive, sg_arg arg) {
    return primitive->ops->primitive_layout(primitive, arg);
}

sg_status sg_primitive_execute(
        sg_primitive *primitive, void *const args[SG_ARG_COUNT], sg_error *err) {
    return primitive->ops->execute(primitive, args, err);
}

void sg_backend_parallel(sg_backend *backend, int64_t n, sg_backend_body body, const void *user) {
    if (backend && backend->ops->parallel)
        backend->ops->parallel(backend, n, body, user);
    else if (n > 0)
        body(user, 0, n);
}

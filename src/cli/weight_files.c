/* weight_files.c - see weight_files.h. Sources: torchvision 0.14.1's weight tables, timm's model
 * cards on Hugging Face. Files without a licence are pointed to, never shipped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/weight_files.h"
#include "base/str.h"
#include "cli/options.h"
#include <stdlib.h>
#include <string.h>

#define TORCH "https://download.pytorch.org/models/"
#define HUB   "https://huggingface.co/"
#define MAIN  "/resolve/main/model.safetensors"

/* clang-format off */
static const sg_weight_file files[] = {
    { "alexnet", "alexnet", TORCH "alexnet-owt-7be5be79.pth", ".pth", "7be5be79", 244, "BSD-3-Clause", 56.52, 224, 0.875, "bilinear", false, NULL },
    { "googlenet", "googlenet", TORCH "googlenet-1378be20.pth", ".pth", "1378be20", 52, "BSD-3-Clause", 69.78, 224, 0.875, "bilinear", true, "with auxiliary heads" },
    { "googlenet.hub", "googlenet", HUB "theunnecessarythings/vision_models/resolve/main/googlenet.safetensors", ".safetensors", "d65208bbda6eb067746e1d3ecaa7752932accabf5083fabf8f912eecbae6484c", 27, "none stated", 0, 224, 0.875, "bilinear", true, "somebody's copy: look at its terms first" },
    { "vgg16", "vgg16", HUB "timm/vgg16.tv_in1k" MAIN, ".safetensors", "57b026918159a6bf9faf8405c3a551903768e7138989d9c6224a14227203fad8", 553, "BSD-3-Clause", 71.59, 224, 0.875, "bilinear", false, NULL },
    { "vgg16.torchvision", "vgg16", TORCH "vgg16-397923af.pth", ".pth", "397923af", 553, "BSD-3-Clause", 71.59, 224, 0.875, "bilinear", false, NULL },
    { "vgg16_bn", "vgg16_bn", TORCH "vgg16_bn-6c64b313.pth", ".pth", "6c64b313", 553, "BSD-3-Clause", 73.36, 224, 0.875, "bilinear", false, NULL },
    { "resnet18", "resnet18", HUB "timm/resnet18.tv_in1k" MAIN, ".safetensors", "694f673df6520a3158624e8a89af086f59923ee4cd7436fe5bc3bc71d295ad81", 47, "BSD-3-Clause", 69.75, 224, 0.875, "bilinear", false, NULL },
    { "resnet18.a1", "resnet18", HUB "timm/resnet18.a1_in1k" MAIN, ".safetensors", "80c49dee3da4822c009c5a7fe591e9223c5a2cfcf95a4067ca4dfb5a7b89c612", 47, "Apache-2.0", 71.50, 224, 0.95, "bicubic", false, NULL },
    { "resnet50", "resnet50", HUB "timm/resnet50.tv_in1k" MAIN, ".safetensors", "5d061a3c593d795bfe682d9b152bafbcf550579873492def3515b46db1189888", 102, "BSD-3-Clause", 76.16, 224, 0.875, "bilinear", false, NULL },
    { "resnet50.a1", "resnet50", HUB "timm/resnet50.a1_in1k" MAIN, ".safetensors", "773525d5821de224f8f30c33377b7a795d7863e08522698200d3217d3f2a41bb", 102, "Apache-2.0", 80.38, 224, 0.95, "bicubic", false, NULL },
    { "resnet50.tv2", "resnet50", TORCH "resnet50-11ad3fa6.pth", ".pth", "11ad3fa6", 102, "BSD-3-Clause", 80.86, 224, 0.965, "bilinear", false, NULL },
    { "resnet50.radimagenet", "resnet50", HUB "Lab-Rasool/RadImageNet/resolve/main/ResNet50.pt", ".pth", NULL, 94, "MIT on the card", 0, 0, 0, NULL, false, "radiology, no classifier; the authors' own release is by request; its preprocessing is not stated" },
    { "seresnet50.a2", "seresnet50", HUB "timm/seresnet50.a2_in1k" MAIN, ".safetensors", "ff82ee22e5b6c607fd984f63b83a9a8b55787b2703c4683a5cd51297d27e9460", 113, "Apache-2.0", 0, 224, 0.95, "bicubic", false, NULL },
    { "mobilenetv2", "mobilenetv2", TORCH "mobilenet_v2-b0353104.pth", ".pth", "b0353104", 14, "BSD-3-Clause", 71.88, 224, 0.875, "bilinear", false, NULL },
    { "mobilenetv2.tv2", "mobilenetv2", TORCH "mobilenet_v2-7ebf99e0.pth", ".pth", "7ebf99e0", 14, "BSD-3-Clause", 72.15, 224, 0.965, "bilinear", false, NULL },
};
/* clang-format on */
enum { FILES = sizeof files / sizeof *files, WHOLE = 64 };

const sg_weight_file *sg_weight_files(size_t *count) {
    *count = FILES;
    return files;
}

sg_status sg_weight_file_find(const sg_weight_file **out, const char *name, sg_error *err) {
    const char *names[FILES];
    for (size_t i = 0; i < FILES; i++) {
        names[i] = files[i].name;
        if (strcmp(name, names[i]) != 0) continue;
        *out = &files[i];
        return SG_OK;
    }
    const char *near = sg_nearest(name, names, FILES);
    return sg_fail(err, SG_ERR_USAGE,
            "no weight file is called '%s'%s%s%s; `weights list` shows all", name,
            near ? "; did you mean '" : "", near ? near : "", near ? "'" : "");
}

const char *sg_weight_file_check(const sg_weight_file *file) {
    if (!file->sha256) return "not known";
    return strlen(file->sha256) == WHOLE ? "sha256" : "first 8 digits of sha256";
}

json_t *sg_weight_file_preprocessing(const sg_weight_file *file) {
    if (!file->size) return json_null();
    return json_pack("{s:i, s:f, s:s, s:[f, f, f], s:[f, f, f], s:b}", "size", file->size,
            "crop_pct", file->crop_pct, "interpolation", file->interpolation, "mean", 0.485, 0.456,
            0.406, "std", 0.229, 0.224, 0.225, "transform_input", (int)file->transform_input);
}

sg_status sg_weight_cache(char **out, sg_error *err) {
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/')
        *out = sg_strdupf("%s/sonograde/weights", cache);
    else if (home && home[0] == '/')
        *out = sg_strdupf("%s/.cache/sonograde/weights", home);
    else
        return sg_fail(err, SG_ERR_INPUT,
                "there is no place for fetched files: neither XDG_CACHE_HOME nor HOME is an "
                "absolute path; set one, or name a file with -o");
    return *out ? SG_OK : sg_fail(err, SG_ERR_MEMORY, "out of memory");
}

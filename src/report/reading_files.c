/* reading_files.c - see reading_files.h. Paths start at the root, where make runs.
 * SPDX-License-Identifier: Apache-2.0 */
#include "report/reading_files.h"

#define EMBED(name, file)                                                                          \
    __asm__(".section .rodata\n.globl " #name "\n.hidden " #name "\n.type " #name                  \
            ", @object\n" #name ":\n.incbin \"" file "\"\n.byte 0\n.size " #name ", . - " #name    \
            "\n.previous\n")

EMBED(sg_reading_css, "src/report/reading.css");
EMBED(sg_reading_js, "src/report/reading.js");

/* fuzz_onnx.c - the same questions as to a .pth file, from a corpus of ONNX files.
 * SPDX-License-Identifier: Apache-2.0 */
#include "fuzz/fuzz_pth.c"

/* shared_rows.h - rows of option tables that mean the same in every verb that trains on a dataset.
 * `at` is the field's offset in the verb's options. SPDX-License-Identifier: Apache-2.0 */
#ifndef SG_CLI_SHARED_ROWS_H
#define SG_CLI_SHARED_ROWS_H

#include "cli/options.h"

/* clang-format off */
#define SG_DATA_ROW(at) { "data", 0, SG_OPTION_PATH, at, NULL, "DIR", "folder with one folder of images per class", 0, 0 }
#define SG_MANIFEST_ROW(at) { "manifest", 0, SG_OPTION_PATH, at, NULL, "FILE", "table of images instead", 0, 0 }
#define SG_GROUP_BY_ROW(at) { "group-by", 0, SG_OPTION_TEXT, at, NULL, "COLUMN|REGEX", "what belongs together; default: equal or near-equal pictures", 0, 0 }
#define SG_SKIP_BAD_ROW(at) { "skip-bad", 0, SG_OPTION_FLAG, at, NULL, NULL, "go on without images that cannot be read, and list them", 0, 0 }
#define SG_BATCH_ROW(at) { "batch", 'b', SG_OPTION_INT, at, "16", "N", "images per step", 1, 4096 }
#define SG_SIZE_ROW(at, pixels) { "size", 0, SG_OPTION_INT, at, pixels, "P", "side of the square the network sees, in pixels", 8, 4096 }
#define SG_CONFIG_ROW(at) { "config", 0, SG_OPTION_PATH, at, NULL, "FILE", "further options of train, as YAML; what is typed here wins", 0, 0 }
#define SG_SET_ROW(at) { "set", 0, SG_OPTION_TEXT, at, NULL, "KEY=VALUE;...", "further options of train", 0, 0 }
#define SG_ARMS_SET_ROW(at) { "set", 0, SG_OPTION_TEXT, at, NULL, "[ARM:]KEY=VALUE;...", "further options of train, for all arms or for one", 0, 0 }
#define SG_THREADS_ROW(at) { "threads", 't', SG_OPTION_INT, at, "0", "N", "of the engine; 0 = all processors", 0, 1024 }
#define SG_WORKERS_ROW(at) { "workers", 0, SG_OPTION_INT, at, "1", "N", "threads that load images", 0, 64 }
/* clang-format on */

#endif

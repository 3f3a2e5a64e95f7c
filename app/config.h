// SPDX-License-Identifier: Apache-2.0
// Settings: one table of keys, each a typed option. A value comes from, strongest first: the command line (asked for
// through sw_app_setting), the environment (SLIPWAY_KEY), the project's slipway.yaml (nearest folder upwards), the
// user's config.yaml, the default. An unknown key or a value of the wrong type in a file is an error naming its line.
#ifndef SW_APP_CONFIG_H
#define SW_APP_CONFIG_H

#include "core/base/option.h"
#include "core/base/path.h"

enum sw_config_origin { SW_CONFIG_DEFAULT, SW_CONFIG_USER, SW_CONFIG_PROJECT, SW_CONFIG_ENVIRONMENT };

struct sw_config;

extern const struct sw_option sw_config_keys[];
extern const size_t sw_config_key_count;

enum sw_code sw_config_load(struct sw_config **out /* take */, struct sw_err *err);
void sw_config_free(struct sw_config *c); // accepts NULL
// Value or NULL when unset. The key must be in the table. Paths from files are absolute, relative to the file. Borrow.
const char *sw_config_text(const struct sw_config *c, const char *key);
const struct sw_option_set *sw_config_values(const struct sw_config *c); // the same, for typed reading; borrow
enum sw_config_origin sw_config_origin(const struct sw_config *c, const char *key);
// "default", "environment SLIPWAY_STORE", "/home/a/.config/slipway/config.yaml:3". Borrow.
const char *sw_config_origin_text(const struct sw_config *c, const char *key);
// The folder of the project's slipway.yaml; NULL when there is none. Borrow.
const char *sw_config_project_dir(const struct sw_config *c);
// The user's file, whether it exists or not. SW_NOT_FOUND without HOME.
enum sw_code sw_config_user_path(char out[static SW_PATH_MAX], struct sw_err *err);
// Writes one key into the user's file, keeping comments and order; makes the file with every key explained when missing.
enum sw_code sw_config_set(const char *key, const char *value, struct sw_err *err);
// SW_USAGE that names `where` and the nearest key.
enum sw_code sw_config_unknown_key(const char *where, const char *key, struct sw_err *err);
// SLIPWAY_ name of a key.
void sw_config_env_name(const char *key, char *out, size_t size);

#endif

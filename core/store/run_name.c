// SPDX-License-Identifier: Apache-2.0
// Readable names for runs that were given none: adjective, animal, number. Names need not be unique, ids are.
#include "core/store/run_name_private.h"

#include "core/base/hash.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const adjectives[] = {
    "able",   "amber",  "ample", "bold",    "brave",  "brief",  "bright",  "brisk",  "broad",  "calm",  "candid",
    "clear",  "clever", "crisp", "curious", "daring", "deep",   "deft",    "eager",  "early",  "easy",  "exact",
    "fair",   "fast",   "fine",  "firm",    "fresh",  "gentle", "glad",    "golden", "grand",  "green", "hardy",
    "honest", "humble", "ideal", "keen",    "kind",   "light",  "likely",  "lively", "lucky",  "merry", "mild",
    "mighty", "modest", "neat",  "nimble",  "noble",  "open",   "patient", "plain",  "polite", "prime", "proud",
    "quick",  "quiet",  "rapid", "rare",    "ready",  "royal",  "serene",  "sharp",  "silver", "smart", "smooth",
    "snug",   "solid",  "spry",  "stable",  "steady", "still",  "sunny",   "sure",   "swift",  "tidy",  "true",
    "upbeat", "vivid",  "warm",  "wise",    "witty",  "zesty",
};

static const char *const animals[] = {
    "badger", "bat",    "bear",   "beaver", "bison",   "boar",   "buck",  "camel",  "cat",   "cod",    "colt",
    "crab",   "crane",  "crow",   "deer",   "dolphin", "dove",   "duck",  "eagle",  "eel",   "elk",    "ermine",
    "falcon", "ferret", "finch",  "fox",    "frog",    "gecko",  "goose", "grouse", "gull",  "hare",   "hawk",
    "heron",  "horse",  "hound",  "ibex",   "jay",     "kite",   "koi",   "lark",   "lemur", "lion",   "llama",
    "lynx",   "marten", "mink",   "mole",   "moose",   "mouse",  "newt",  "otter",  "owl",   "ox",     "panda",
    "perch",  "pike",   "pony",   "puffin", "quail",   "rabbit", "ram",   "raven",  "robin", "salmon", "seal",
    "shark",  "sheep",  "shrew",  "snail",  "sparrow", "squid",  "stag",  "stork",  "swan",  "tern",   "tiger",
    "toad",   "trout",  "turtle", "vole",   "whale",   "wolf",   "wren",  "yak",    "zebra",
};

enum sw_code sw_run_name_invent(char *dst, size_t size, struct sw_err *err)
{
    char random[33], part[9];
    enum sw_code code = sw_random_id(random, err);
    if (code != SW_OK)
        return code;
    unsigned long draws[3];
    for (size_t i = 0; i < 3; i++) {
        snprintf(part, sizeof part, "%.8s", random + 8 * i);
        draws[i] = strtoul(part, NULL, 16);
    }
    snprintf(dst, size, "%s-%s-%lu", adjectives[draws[0] % (sizeof adjectives / sizeof *adjectives)],
             animals[draws[1] % (sizeof animals / sizeof *animals)], draws[2] % 900 + 100);
    return SW_OK;
}

// SPDX-License-Identifier: Apache-2.0
// What the tests of bundles and pushes add to the model fixture: an approved model and a target.
#ifndef SW_TESTS_SHIP_FIXTURE_H
#define SW_TESTS_SHIP_FIXTURE_H

#include "tests/unit/model/fixture.h"

#include "core/ship/bundle.h"
#include "core/ship/push.h"

// Model "m", version 1, approved by ada under the default policy; returns the version.
FIXTURE_MAYBE struct sw_model_version fixture_approve(struct fixture *f, const struct sw_model_version *v)
{
    struct sw_policy p;
    int64_t id = 0;
    assert_ok(f, sw_policy_default(f->arena, &p, &f->err));
    struct sw_approval_request request = {.version = v, .policy = &p, .user = "ada"};
    assert_ok(f, sw_approval_grant(f->store, &request, f->arena, NULL, &id, &f->err));
    return *v;
}

FIXTURE_MAYBE struct sw_model_version fixture_approved_model(struct fixture *f)
{
    fixture_make_model(f);
    struct sw_model_version v = fixture_register(f, "m");
    return fixture_approve(f, &v);
}

// Target "lab" at "bundle:<root>/<relative>".
FIXTURE_MAYBE void fixture_target(struct fixture *f, const char *relative)
{
    char address[SW_PATH_MAX + 16];
    snprintf(address, sizeof address, "bundle:%s/%s", f->root, relative);
    struct sw_target target = {.name = "lab", .address = address};
    assert_ok(f, sw_target_put(f->store, &target, &f->err));
}

FIXTURE_MAYBE enum sw_code fixture_push(struct fixture *f, struct sw_push_outcome *out)
{
    struct sw_push_request request = {.model = "m", .target = "lab"};
    memset(&f->err, 0, sizeof f->err);
    return sw_push_run(f->store, &request, f->arena, out, &f->err);
}

FIXTURE_MAYBE enum sw_code fixture_verify(struct fixture *f, const char *relative, struct sw_bundle_info *info)
{
    return sw_bundle_verify(fixture_path(f, relative), f->arena, info, &f->err);
}

#endif

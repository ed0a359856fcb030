/* Types in a few letters, held against each other: what may change without harm and what may not. */
#include "../../core/engine/target/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_same(const char *a, const char *b, bool same)
{
	if (form_agrees(a, b) != same || form_agrees(b, a) != same)
		fail_msg("%s and %s should %s", a, b, same ? "agree" : "not agree");
}

static void scalars_agree_by_kind_and_size(void **state)
{
	(void)state;
	assert_same("s4", "s4", true);
	assert_same("s4", "u4", false);
	assert_same("s4", "s8", false);
	assert_same("s4", "f4", false);
	assert_same("e4", "u4", true);
	assert_same("e4", "e1", false);
	assert_same("b1", "u1", false);
	assert_same("?16", "f16", true);
	assert_same("v", "s4", false);
}

static void arrays_agree_by_bound_and_element(void **state)
{
	(void)state;
	assert_same("A8,s1", "A16,s1", false);
	assert_same("A8,s1", "A0,s1", true);
	assert_same("A2,A3,s4", "A2,A4,s4", false);
	assert_same("A2,s4", "s8", false);
}

static void what_is_pointed_to_need_only_be_like_it(void **state)
{
	(void)state;
	assert_same("ps4", "pu4", true);
	assert_same("ps4", "pf4", false);
	assert_same("pv", "pRs0:order;", true);
	assert_same("ps1", "pRs0:order;", true);
	assert_same("pRs0:item;", "pRs0:order;", false);
	assert_same("pp?0", "ps8", false);
	assert_same("ps4", "u8", false);
}

static void records_agree_by_tag_and_size_or_by_members(void **state)
{
	(void)state;
	assert_same("Rs8:a;", "Rs8:a;", true);
	assert_same("Rs8:a;", "Rs8:b;", false);
	assert_same("Rs8:a;", "Ru8:a;", false);
	assert_same("Rs8:a;", "Rs16:a;", false);
	assert_same("Rs0:a;", "Rs16:a;", true);
	assert_same("Rs8:;{,0:s4,32:Rs4:;{,0:s4}}", "Rs8:;{,0:s4,32:Rs4:;{,0:s4}}", true);
	assert_same("Rs8:;{,0:s4,32:Rs4:;{,0:s4}}", "Rs8:;{,0:s4,32:Rs4:;{,0:f4}}", false);
	assert_same("Rs8:;{,0:s4,32:s4}", "Rs8:;{,0:s4}", false);
	assert_same("A2,Rs8:;{,0:s4,32:s4}", "A2,Rs8:a;", true);
}

static void functions_agree_by_result_and_parameters(void **state)
{
	(void)state;
	assert_same("Fs4(s4)", "Fs4(s4)", true);
	assert_same("Fs4(s4)", "Fs4(f8)", false);
	assert_same("Fs4(s4)", "Fs4(s4s4)", false);
	assert_same("Fs4(s4.)", "Fs4(s4)", false);
	assert_same("Fs4(?)", "Fs4(s4pFv(?))", true);
	assert_same("Fs4(?)", "Fs4()", true);
	assert_same("Fs4()", "Fs4(?)", true);
	assert_same("Fs4()", "Fs4(s4)", false);
	assert_same("Fs4(pFv(?)s4)", "Fs4(pFv(s4)s8)", false);
	assert_same("Fv()", "Fs4()", false);
}

static void an_old_definition_takes_short_integers_as_they_are_promoted(void **state)
{
	(void)state;
	assert_true(form_takes_promoted("Fv(s1s4u2ps1)", "Fv(s4s4s4ps1)"));
	assert_true(form_takes_promoted("Fs2(b1e1)", "Fs2(s4s4)"));
	assert_true(form_takes_promoted("Fv(s1)", "Fv(s1)"));
	assert_false(form_takes_promoted("Fv(s1)", "Fv(u4)"));
	assert_false(form_takes_promoted("Fv(s1)", "Fv(s8)"));
	assert_false(form_takes_promoted("Fv(s8)", "Fv(s4)"));
	assert_false(form_takes_promoted("Fv(f4)", "Fv(f8)"));
	assert_false(form_takes_promoted("Fv(s1s1)", "Fv(s4)"));
	assert_false(form_takes_promoted("Fs1()", "Fs4()"));
	assert_false(form_takes_promoted("s1", "s4"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_agree_by_kind_and_size),
		cmocka_unit_test(arrays_agree_by_bound_and_element),
		cmocka_unit_test(what_is_pointed_to_need_only_be_like_it),
		cmocka_unit_test(records_agree_by_tag_and_size_or_by_members),
		cmocka_unit_test(functions_agree_by_result_and_parameters),
		cmocka_unit_test(an_old_definition_takes_short_integers_as_they_are_promoted),
	};

	return cmocka_run_group_tests_name("unit: form", tests, NULL, NULL);
}

#include "tests/unit/support/unit.h"

#include <string.h>

int unit_main(const char *name, const struct unit_case *cases, unsigned n, int argc, char **argv)
{
    if (CU_initialize_registry() != CUE_SUCCESS)
        return 2;
    CU_pSuite suite = CU_add_suite(name, NULL, NULL);
    for (unsigned i = 0; suite != NULL && i < n; i++)
        if (argc < 2 || strstr(cases[i].name, argv[1]) != NULL)
            CU_add_test(suite, cases[i].name, cases[i].run);
    CU_basic_set_mode(CU_BRM_NORMAL);
    CU_basic_run_tests();
    unsigned run = CU_get_number_of_tests_run();
    unsigned failed = CU_get_number_of_failures();
    CU_cleanup_registry();
    return failed > 0 || run == 0 ? 1 : 0;
}

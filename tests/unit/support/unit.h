/* What every unit test program needs around CUnit: a list of cases, a main, an exit status. */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <CUnit/Basic.h>

struct unit_case {
    const char *name; /* a claim: "an exact duplicate is ignored" */
    void (*run)(void);
};

/* Runs CASES of suite NAME (all, or those whose name holds argv[1]); 0 if every assertion held. */
int unit_main(const char *name, const struct unit_case *cases, unsigned n, int argc, char **argv);

#define UNIT_MAIN(suite_name, cases)                                                                                   \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        return unit_main(suite_name, cases, sizeof(cases) / sizeof(cases)[0], argc, argv);                             \
    }

#endif

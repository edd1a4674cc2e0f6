// The test program of the policy room's value types.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE policy_values
#include <boost/test/unit_test.hpp>

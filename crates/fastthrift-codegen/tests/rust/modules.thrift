// Namespaces that are no names of modules, or whose modules lie beside what the code of the one around them calls the same.
namespace rs a.mod

include "modules/above.thrift"
include "modules/deep.thrift"
include "modules/runtime.thrift"
include "modules/number.thrift"

struct All { 1: above.Above above, 2: deep.Deep deep, 3: runtime.Runtime runtime, 4: number.Number number }

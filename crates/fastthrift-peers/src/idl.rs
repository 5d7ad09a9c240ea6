//! What was generated of the IDL.

fastthrift::include_thrift!("calculator");
fastthrift::include_thrift!("conformance");
fastthrift::include_thrift!("oracle");
fastthrift::include_thrift!("store");

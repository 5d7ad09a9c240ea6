# Fits the code that the compiler of 0.17 generates to the processors of the newer library, which also ask each function
# for the type of its result; a oneway function has none.
s/ProcessFunction<I, ? extends  *org\.apache\.thrift\.TBase>/ProcessFunction<I, ? extends org.apache.thrift.TBase, ? extends org.apache.thrift.TBase>/g
s/ProcessFunction<I, ? extends  *org\.apache\.thrift\.TBase, *?>/ProcessFunction<I, ? extends org.apache.thrift.TBase, ?, ? extends org.apache.thrift.TBase>/g
s/protected boolean isOneway/public boolean isOneway/
/ProcessFunction<I, note_args/ {
  s/ProcessFunction<I, note_args\(.*\)> {/ProcessFunction<I, note_args\1, org.apache.thrift.TBase> {\
      @Override\
      public org.apache.thrift.TBase getEmptyResultInstance() {\
        return null;\
      }\
/
  b
}
s/ProcessFunction<I, \([A-Za-z0-9]*\)_args\(.*\)> {/ProcessFunction<I, \1_args\2, \1_result> {\
      @Override\
      public \1_result getEmptyResultInstance() {\
        return new \1_result();\
      }\
/

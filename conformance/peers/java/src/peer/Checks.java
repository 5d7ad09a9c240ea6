package peer;

import conformance.Choice;
import conformance.Colour;
import conformance.Conformance;
import conformance.Defaults;
import conformance.Everything;
import conformance.Inner;
import conformance.Later;
import conformance.LaterInner;
import conformance.Refused;
import conformance.TooLate;
import conformance.Tree;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.apache.thrift.TApplicationException;
import org.apache.thrift.protocol.TMultiplexedProtocol;
import org.apache.thrift.protocol.TProtocol;

/** The checks, those of common/checks.py. */
final class Checks {
  /** Makes one check over a connection that nobody used before. */
  interface Check {
    void make(TProtocol protocol) throws Exception;
  }

  private interface ServiceCheck {
    void make(Conformance.Client client) throws Exception;
  }

  private interface Echo<V> {
    V call(V value) throws Exception;
  }

  private static final long NOTE_TIMEOUT_MS = 5_000;

  private Checks() {}

  static Map<String, Check> all() {
    Map<String, Check> checks = new LinkedHashMap<>();
    checks.put("void", service(Checks::checkVoid));
    checks.put("numbers", service(Checks::checkNumbers));
    checks.put("doubles", service(Checks::checkDoubles));
    checks.put("special-doubles", service(Checks::checkSpecialDoubles));
    checks.put("negative-zero", service(client -> echoes(client::echoDouble, -0.0)));
    checks.put("strings", service(Checks::checkStrings));
    checks.put("control-characters", service(c -> echoes(c::echoString, "\u0001\u001f\u007f", "\u2028\ufeff")));
    checks.put("nul", service(client -> echoes(client::echoString, "a\0b")));
    checks.put("binary", service(Checks::checkBinary));
    checks.put("enum", service(client -> echoes(client::echoColour, Colour.RED, Colour.BLUE)));
    checks.put("containers", service(Checks::checkContainers));
    checks.put("flags", service(Checks::checkFlags));
    checks.put("lists", service(Checks::checkLists));
    checks.put("struct", service(c -> echoes(c::echoEverything, everything(), withEmptyContainers())));
    checks.put("union", service(Checks::checkUnion));
    checks.put("recursion", service(Checks::checkRecursion));
    checks.put("defaults", service(Checks::checkDefaults));
    checks.put("arguments", service(client -> equal(client.several(2, 3, 4), -10)));
    checks.put("exceptions", service(Checks::checkExceptions));
    checks.put("crash", service(Checks::checkCrash));
    checks.put("unknown-function", Checks::checkUnknownFunction);
    checks.put("later-version", Checks::checkLaterVersion);
    checks.put("oneway", service(Checks::checkOneway));
    checks.put("many", service(Checks::checkMany));
    checks.put("multiplexed", Checks::checkMultiplexed);
    return checks;
  }

  private static Check service(ServiceCheck check) {
    return protocol -> check.make(new Conformance.Client(protocol));
  }

  private static void equal(Object came, Object expected) {
    if (!Objects.equals(came, expected)) {
      throw new AssertionError("came " + came + ", expected " + expected);
    }
  }

  @SafeVarargs
  private static <V> void echoes(Echo<V> echo, V... values) throws Exception {
    for (V value : values) {
      equal(echo.call(value), value);
    }
  }

  private static <E extends Exception> E raised(Class<E> kind, Callable<?> call) throws Exception {
    try {
      call.call();
    } catch (Exception error) {
      if (kind.isInstance(error)) {
        return kind.cast(error);
      }
      throw error;
    }
    throw new AssertionError("a " + kind.getSimpleName() + " did not come");
  }

  private static byte[] allBytes() {
    byte[] bytes = new byte[256];
    for (int at = 0; at < bytes.length; ++at) {
      bytes[at] = (byte) at;
    }
    return bytes;
  }

  private static void checkVoid(Conformance.Client client) throws Exception {
    for (int time = 0; time < 3; ++time) {
      client.nothing();
    }
  }

  private static void checkNumbers(Conformance.Client client) throws Exception {
    echoes(client::echoBool, true, false);
    echoes(client::echoI8, (byte) 0, (byte) 1, (byte) -1, Byte.MAX_VALUE, Byte.MIN_VALUE);
    echoes(client::echoI16, (short) 0, (short) 1, (short) -1, Short.MAX_VALUE, Short.MIN_VALUE);
    echoes(client::echoI32, 0, 1, -1, Integer.MAX_VALUE, Integer.MIN_VALUE);
    echoes(client::echoI64, 0L, 1L, -1L, (1L << 53) + 1, -(1L << 53) - 1, Long.MAX_VALUE, Long.MIN_VALUE);
  }

  private static void checkDoubles(Conformance.Client client) throws Exception {
    echoes(client::echoDouble, 0.0, 1.0, -2.5, 0.1, 1.0 / 3, 1e300, -1e-300, 4.9e-324, Double.MAX_VALUE);
  }

  private static void checkSpecialDoubles(Conformance.Client client) throws Exception {
    echoes(client::echoDouble, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY, Double.NaN);
  }

  private static void checkStrings(Conformance.Client client) throws Exception {
    echoes(
        client::echoString,
        "",
        "plain",
        "größe \u20ac \ud83d\udc09",
        "quote \" slash / back \\ \b\f\n\r\t",
        "é".repeat(50_000));
  }

  private static void checkBinary(Conformance.Client client) throws Exception {
    byte[] large = new byte[200_000];
    for (int at = 0; at < large.length; ++at) {
      large[at] = (byte) (at % 250);
    }
    byte[][] values = {{}, {0}, {-1, -2}, "abc".getBytes(StandardCharsets.UTF_8), allBytes(), large};
    for (byte[] value : values) {
      equal(client.echoBinary(ByteBuffer.wrap(value)), ByteBuffer.wrap(value));
    }
  }

  private static void checkContainers(Conformance.Client client) throws Exception {
    List<Integer> numbers = new ArrayList<>();
    for (int number = -1000; number < 1000; ++number) {
      numbers.add(number);
    }
    Set<String> names = new TreeSet<>();
    Map<String, Long> counts = new HashMap<>();
    for (int number = 0; number < 100; ++number) {
      names.add("name " + number);
      counts.put("name " + number, (long) -number);
    }
    echoes(
        client::echoList,
        List.of(),
        List.of(1),
        Collections.nCopies(14, -1),
        Collections.nCopies(15, 7),
        numbers);
    echoes(client::echoSet, Set.of(), Set.of(""), names);
    echoes(client::echoMap, Map.of(), Map.of("", 0L), counts);
  }

  private static void checkFlags(Conformance.Client client) throws Exception {
    echoes(
        client::echoFlags,
        List.of(),
        List.of(true),
        List.of(true, false, true),
        Collections.nCopies(20, false));
  }

  private static void checkLists(Conformance.Client client) throws Exception {
    echoes(
        client::echoLists,
        Map.of("some", List.of(1, 2, 3)),
        Map.of("none", List.of()),
        Map.of("none", List.of(), "some", List.of(1), "more", List.of(2, 3)));
  }

  private static Everything everything() {
    Inner inner = new Inner("größe", -1);
    Everything made = new Everything();
    made.setYes(true).setNo(false).setFar(true).setHere(-7);
    made.setTiny(Byte.MIN_VALUE).setSmall(Short.MIN_VALUE).setMedium(Integer.MAX_VALUE).setLarge(Long.MIN_VALUE);
    made.setReal(0.1).setText("text \ud83d\udc09").setRaw(allBytes()).setColour(Colour.GREEN);
    made.setInner(inner).setChoice(Choice.number(5));
    made.setNumbers(List.of(1, -1, Integer.MAX_VALUE));
    made.setInners(List.of(inner, new Inner("", 0)));
    made.setMarks(Set.of(1, -1, Integer.MAX_VALUE)).setNames(Set.of("a", "größe", ""));
    made.setCounts(Map.of("a", 1L, "", Long.MIN_VALUE));
    made.setPlaces(Map.of(-1, inner, Integer.MAX_VALUE, new Inner("x", 9)));
    made.setLists(Map.of("one", List.of(1), "some", List.of(1, 2, 3)));
    made.setRows(List.of(List.of("a", "b"), List.of(), List.of("c")));
    return made;
  }

  private static Everything withEmptyContainers() {
    Everything made = everything();
    made.setNumbers(List.of()).setInners(List.of()).setRows(List.of(List.of()));
    made.setMarks(Set.of()).setNames(Set.of());
    made.setCounts(Map.of()).setPlaces(Map.of()).setLists(Map.of());
    return made;
  }

  private static void checkUnion(Conformance.Client client) throws Exception {
    echoes(
        client::echoChoice,
        Choice.text("chosen"),
        Choice.number(-(1L << 40)),
        Choice.inner(new Inner("in", 1)),
        Choice.numbers(List.of(1, 2)));
  }

  private static void checkRecursion(Conformance.Client client) throws Exception {
    Tree tree = new Tree(0, List.of());
    for (int value = 1; value < 25; ++value) {
      tree = new Tree(value, List.of(tree, new Tree(-value, List.of())));
    }
    echoes(client::echoTree, tree);
  }

  private static void checkDefaults(Conformance.Client client) throws Exception {
    Defaults came = client.defaults();
    equal(
        List.of(came.getNumber(), came.getText(), came.getNumbers(), came.isFlag(), came.isSetNothing()),
        List.of(42, "preset", List.of(1, 2, 3), true, false));
  }

  private static void checkExceptions(Conformance.Client client) throws Exception {
    equal(client.check(7), 7);
    equal(raised(Refused.class, () -> client.check(-5)), new Refused("below zero", -5));
    equal(raised(TooLate.class, () -> client.check(101)), new TooLate(101));
    checkRefusal(client, -1);
    client.checkNothing(0);
  }

  private static void checkRefusal(Conformance.Client client, int code) throws Exception {
    Refused refused =
        raised(
            Refused.class,
            () -> {
              client.checkNothing(code);
              return null;
            });
    equal(refused.getCode(), code);
  }

  private static void checkCrash(Conformance.Client client) throws Exception {
    raised(
        TApplicationException.class,
        () -> {
          client.crash();
          return null;
        });
    equal(client.echoI32(1), 1);
  }

  private static void checkUnknownFunction(TProtocol protocol) throws Exception {
    Later.Client later = new Later.Client(protocol);
    for (int time = 0; time < 2; ++time) {
      TApplicationException error =
          raised(
              TApplicationException.class,
              () -> {
                later.notYet();
                return null;
              });
      equal(error.getType(), TApplicationException.UNKNOWN_METHOD);
    }
  }

  private static void checkLaterVersion(TProtocol protocol) throws Exception {
    Inner inner = new Inner("inner", 3);
    LaterInner later = new LaterInner();
    later.setText("known").setNumber(-9).setFlag(true).setTiny(Byte.MIN_VALUE).setLarge(Long.MIN_VALUE);
    later.setPlaces(Map.of("place", List.of(inner, inner), "none", List.of()));
    later.setReals(Set.of(0.5, -1e300)).setRaw(allBytes()).setFlags(List.of(true, false, true));
    later.setChoice(Choice.inner(inner));
    LaterInner came = new Later.Client(protocol).echoInner(later, Map.of(1, later, 2, later));
    equal(came, new LaterInner().setText("known").setNumber(-9));
  }

  private static void checkOneway(Conformance.Client client) throws Exception {
    String text = UUID.randomUUID().toString();
    client.note(text);
    equal(client.echoI32(5), 5);
    long start = System.currentTimeMillis();
    while (!client.wasNoted(text)) {
      if (System.currentTimeMillis() - start > NOTE_TIMEOUT_MS) {
        throw new AssertionError("the server never got the note");
      }
      Thread.sleep(10);
    }
  }

  private static void checkMany(Conformance.Client client) throws Exception {
    for (int number = 0; number < 200; ++number) {
      equal(client.echoI32(number), number);
    }
  }

  private static void checkMultiplexed(TProtocol protocol) throws Exception {
    Conformance.Client client =
        new Conformance.Client(new TMultiplexedProtocol(protocol, Peer.MULTIPLEXED_NAME));
    equal(client.echoI32(-3), -3);
    checkRefusal(client, -5);
  }
}

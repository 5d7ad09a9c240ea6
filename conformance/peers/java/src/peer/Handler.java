package peer;

import conformance.Choice;
import conformance.Colour;
import conformance.Conformance;
import conformance.Defaults;
import conformance.Everything;
import conformance.Inner;
import conformance.Refused;
import conformance.TooLate;
import conformance.Tree;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Does what conformance.thrift says. */
final class Handler implements Conformance.Iface {
  private final Set<String> notes = ConcurrentHashMap.newKeySet();

  @Override
  public void nothing() {}

  @Override
  public boolean echoBool(boolean value) {
    return value;
  }

  @Override
  public byte echoI8(byte value) {
    return value;
  }

  @Override
  public short echoI16(short value) {
    return value;
  }

  @Override
  public int echoI32(int value) {
    return value;
  }

  @Override
  public long echoI64(long value) {
    return value;
  }

  @Override
  public double echoDouble(double value) {
    return value;
  }

  @Override
  public String echoString(String value) {
    return value;
  }

  @Override
  public ByteBuffer echoBinary(ByteBuffer value) {
    return value;
  }

  @Override
  public Colour echoColour(Colour value) {
    return value;
  }

  @Override
  public List<Integer> echoList(List<Integer> value) {
    return value;
  }

  @Override
  public Set<String> echoSet(Set<String> value) {
    return value;
  }

  @Override
  public Map<String, Long> echoMap(Map<String, Long> value) {
    return value;
  }

  @Override
  public List<Boolean> echoFlags(List<Boolean> value) {
    return value;
  }

  @Override
  public Map<String, List<Integer>> echoLists(Map<String, List<Integer>> value) {
    return value;
  }

  @Override
  public Inner echoInner(Inner value) {
    return value;
  }

  @Override
  public Choice echoChoice(Choice value) {
    return value;
  }

  @Override
  public Everything echoEverything(Everything value) {
    return value;
  }

  @Override
  public Tree echoTree(Tree value) {
    return value;
  }

  @Override
  public Defaults defaults() {
    return new Defaults();
  }

  @Override
  public int several(int a, int b, int c) {
    return a - b * c;
  }

  @Override
  public int check(int code) throws Refused, TooLate {
    if (code > 100) {
      throw new TooLate(code);
    }
    checkNothing(code);
    return code;
  }

  @Override
  public void checkNothing(int code) throws Refused {
    if (code < 0) {
      throw new Refused("below zero", code);
    }
  }

  @Override
  public void crash() {
    throw new IllegalStateException("what only the server may know");
  }

  @Override
  public void note(String text) {
    notes.add(text);
  }

  @Override
  public boolean wasNoted(String text) {
    return notes.contains(text);
  }
}

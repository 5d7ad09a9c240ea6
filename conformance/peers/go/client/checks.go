package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strings"
	"time"

	"fastthrift.example/conformance/gen/conformance"
	"fastthrift.example/conformance/peer"
	"github.com/apache/thrift/lib/go/thrift"
)

// The checks are those of common/checks.py.
var checks = []struct {
	name string
	make func(*connection) error
}{
	{"void", checkVoid},
	{"numbers", checkNumbers},
	{"doubles", checkDoubles},
	{"special-doubles", checkSpecialDoubles},
	{"negative-zero", checkNegativeZero},
	{"strings", checkStrings},
	{"control-characters", checkControlCharacters},
	{"nul", checkNul},
	{"binary", checkBinary},
	{"enum", checkEnum},
	{"containers", checkContainers},
	{"flags", checkFlags},
	{"lists", checkLists},
	{"struct", checkStruct},
	{"union", checkUnion},
	{"recursion", checkRecursion},
	{"defaults", checkDefaults},
	{"arguments", checkArguments},
	{"exceptions", checkExceptions},
	{"crash", checkCrash},
	{"unknown-function", checkUnknownFunction},
	{"later-version", checkLaterVersion},
	{"oneway", checkOneway},
	{"many", checkMany},
	{"multiplexed", checkMultiplexed},
}

var ctx = context.Background()

func equal(came, expected any) error {
	if reflect.DeepEqual(came, expected) {
		return nil
	}
	return fmt.Errorf("came %.200v, expected %.200v", came, expected)
}

func echoes[Value any](echo func(context.Context, Value) (Value, error), values ...Value) error {
	for _, value := range values {
		came, err := echo(ctx, value)
		if err == nil {
			err = equal(came, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// expect takes what a call gave, and says what is wrong with it.
func expect[Value any](expected Value) func(Value, error) error {
	return func(came Value, err error) error {
		if err != nil {
			return err
		}
		return equal(came, expected)
	}
}

// raised checks that an error is of a type, and what it holds.
func raised[Kind error](err error, holds func(Kind) bool) error {
	var kind Kind
	if !errors.As(err, &kind) {
		return fmt.Errorf("came %v, expected a %T", err, kind)
	}
	if !holds(kind) {
		return fmt.Errorf("came %v with other fields", kind)
	}
	return nil
}

func isRefused(code int32) func(*conformance.Refused) bool {
	return func(refused *conformance.Refused) bool {
		return refused.Reason == "below zero" && refused.Code == code
	}
}

func checkVoid(c *connection) error {
	for range 3 {
		if err := c.service.Nothing(ctx); err != nil {
			return err
		}
	}
	return nil
}

func checkNumbers(c *connection) error {
	return errors.Join(
		echoes(c.service.EchoBool, true, false),
		echoes(c.service.EchoI8, 0, 1, -1, 127, -128),
		echoes(c.service.EchoI16, 0, 1, -1, math.MaxInt16, math.MinInt16),
		echoes(c.service.EchoI32, 0, 1, -1, math.MaxInt32, math.MinInt32),
		echoes(c.service.EchoI64, 0, 1, -1, 1<<53+1, -1<<53-1, math.MaxInt64, math.MinInt64),
	)
}

func checkDoubles(c *connection) error {
	return echoes(c.service.EchoDouble, 0, 1, -2.5, 0.1, 1.0/3, 1e300, -1e-300, 5e-324, math.MaxFloat64)
}

func checkSpecialDoubles(c *connection) error {
	if err := echoes(c.service.EchoDouble, math.Inf(1), math.Inf(-1)); err != nil {
		return err
	}
	came, err := c.service.EchoDouble(ctx, math.NaN())
	if err == nil && !math.IsNaN(came) {
		err = fmt.Errorf("came %v, expected NaN", came)
	}
	return err
}

func checkNegativeZero(c *connection) error {
	came, err := c.service.EchoDouble(ctx, math.Copysign(0, -1))
	if err == nil && (came != 0 || !math.Signbit(came)) {
		err = fmt.Errorf("came %v, expected -0.0", came)
	}
	return err
}

func checkStrings(c *connection) error {
	return echoes(c.service.EchoString,
		"", "plain", "größe \u20ac \U0001f409", "quote \" slash / back \\ \b\f\n\r\t", strings.Repeat("é", 50_000))
}

func checkControlCharacters(c *connection) error {
	return echoes(c.service.EchoString, "\x01\x1f\x7f", "\u2028\ufeff")
}

func checkNul(c *connection) error { return echoes(c.service.EchoString, "a\x00b") }

func allBytes() []byte {
	all := make([]byte, 256)
	for at := range all {
		all[at] = byte(at)
	}
	return all
}

func checkBinary(c *connection) error {
	return echoes(c.service.EchoBinary, []byte{}, []byte{0}, []byte{0xff, 0xfe}, []byte("abc"), allBytes(),
		bytes.Repeat(allBytes()[:250], 800))
}

func checkEnum(c *connection) error {
	return echoes(c.service.EchoColour, conformance.Colour_RED, conformance.Colour_BLUE)
}

func checkContainers(c *connection) error {
	long, names, counts := []int32{}, []string{}, map[string]int64{}
	for number := int32(-1000); number < 1000; number++ {
		long = append(long, number)
	}
	for number := range 100 {
		name := fmt.Sprint("name ", number)
		names = append(names, name)
		counts[name] = int64(-number)
	}
	sort.Strings(names)
	echoSet := func(ctx context.Context, value []string) ([]string, error) {
		came, err := c.service.EchoSet(ctx, value)
		sort.Strings(came)
		return came, err
	}
	fourteen, fifteen := make([]int32, 14), make([]int32, 15)
	return errors.Join(
		echoes(c.service.EchoList, []int32{}, []int32{1}, fourteen, fifteen, long),
		echoes(echoSet, []string{}, []string{""}, names),
		echoes(c.service.EchoMap, map[string]int64{}, map[string]int64{"": 0}, counts),
	)
}

func checkFlags(c *connection) error {
	return echoes(c.service.EchoFlags, []bool{}, []bool{true}, []bool{true, false, true}, make([]bool, 20))
}

func checkLists(c *connection) error {
	return echoes(c.service.EchoLists,
		map[string][]int32{"some": {1, 2, 3}},
		map[string][]int32{"none": {}},
		map[string][]int32{"none": {}, "some": {1}, "more": {2, 3}},
	)
}

func everything() *conformance.Everything {
	inner := &conformance.Inner{Text: "größe", Number: -1}
	return &conformance.Everything{
		Yes: true, No: false, Tiny: -128, Small: math.MinInt16, Medium: math.MaxInt32, Large: math.MinInt64,
		Real: 0.1, Text: "text \U0001f409", Raw: allBytes(), Colour: conformance.Colour_GREEN,
		Inner: inner, Choice: &conformance.Choice{Number: thrift.Int64Ptr(5)},
		Numbers: []int32{1, -1, math.MaxInt32},
		Inners:  []*conformance.Inner{inner, {Text: "", Number: 0}},
		Marks:   []int32{-1, 1, math.MaxInt32}, Names: []string{"", "a", "größe"},
		Counts: map[string]int64{"a": 1, "": math.MinInt64},
		Places: map[int32]*conformance.Inner{-1: inner, math.MaxInt32: {Text: "x", Number: 9}},
		Lists:  map[string][]int32{"one": {1}, "some": {1, 2, 3}},
		Rows:   [][]string{{"a", "b"}, {}, {"c"}},
		Far:    true, Here: thrift.Int32Ptr(-7),
	}
}

func withEmptyContainers() *conformance.Everything {
	value := everything()
	value.Numbers, value.Inners = []int32{}, []*conformance.Inner{}
	value.Marks, value.Names, value.Rows = []int32{}, []string{}, [][]string{{}}
	value.Counts, value.Places = map[string]int64{}, map[int32]*conformance.Inner{}
	value.Lists = map[string][]int32{}
	return value
}

func checkStruct(c *connection) error {
	echo := func(ctx context.Context, value *conformance.Everything) (*conformance.Everything, error) {
		came, err := c.service.EchoEverything(ctx, value)
		if err == nil { // The library keeps sets as slices.
			sort.Strings(came.Names)
			sort.Slice(came.Marks, func(a, b int) bool { return came.Marks[a] < came.Marks[b] })
		}
		return came, err
	}
	return echoes(echo, everything(), withEmptyContainers())
}

func checkUnion(c *connection) error {
	return echoes(c.service.EchoChoice,
		&conformance.Choice{Text: thrift.StringPtr("chosen")},
		&conformance.Choice{Number: thrift.Int64Ptr(-1 << 40)},
		&conformance.Choice{Inner: &conformance.Inner{Text: "in", Number: 1}},
		&conformance.Choice{Numbers: []int32{1, 2}},
	)
}

func checkRecursion(c *connection) error {
	tree := &conformance.Tree{Children: []*conformance.Tree{}}
	for value := int32(1); value < 25; value++ {
		leaf := &conformance.Tree{Value: -value, Children: []*conformance.Tree{}}
		tree = &conformance.Tree{Value: value, Children: []*conformance.Tree{tree, leaf}}
	}
	return echoes(c.service.EchoTree, tree)
}

func checkDefaults(c *connection) error {
	came, err := c.service.Defaults(ctx)
	if err != nil {
		return err
	}
	return equal(came, &conformance.Defaults{Number: 42, Text: "preset", Numbers: []int32{1, 2, 3}, Flag: true})
}

func checkArguments(c *connection) error {
	return expect[int32](-10)(c.service.Several(ctx, 2, 3, 4))
}

func checkExceptions(c *connection) error {
	_, refused := c.service.Check(ctx, -5)
	_, late := c.service.Check(ctx, 101)
	return errors.Join(
		expect[int32](7)(c.service.Check(ctx, 7)),
		raised(refused, isRefused(-5)),
		raised(late, func(late *conformance.TooLate) bool { return late.Since == 101 }),
		raised(c.service.CheckNothing(ctx, -1), isRefused(-1)),
		c.service.CheckNothing(ctx, 0),
	)
}

func checkCrash(c *connection) error {
	anyKind := func(thrift.TApplicationException) bool { return true }
	if err := raised(c.service.Crash(ctx), anyKind); err != nil {
		return err
	}
	return expect[int32](1)(c.service.EchoI32(ctx, 1))
}

func checkUnknownFunction(c *connection) error {
	isUnknown := func(e thrift.TApplicationException) bool { return e.TypeId() == thrift.UNKNOWN_METHOD }
	for range 2 {
		if err := raised(c.later.NotYet(ctx), isUnknown); err != nil {
			return err
		}
	}
	return nil
}

func checkLaterVersion(c *connection) error {
	inner := &conformance.Inner{Text: "inner", Number: 3}
	later := &conformance.LaterInner{
		Text: "known", Number: -9, Flag: true,
		Places: map[string][]*conformance.Inner{"place": {inner, inner}, "none": {}},
		Reals:  []float64{0.5, -1e300}, Raw: allBytes(), Choice: &conformance.Choice{Inner: inner},
		Flags: []bool{true, false, true}, Tiny: -128, Large: math.MinInt64,
	}
	came, err := c.later.EchoInner(ctx, later, map[int32]*conformance.LaterInner{1: later, 2: later})
	if err != nil {
		return err
	}
	return equal(came, &conformance.LaterInner{Text: "known", Number: -9})
}

func checkOneway(c *connection) error {
	start := time.Now()
	text := fmt.Sprint("note of go ", start.UnixNano())
	err := errors.Join(c.service.Note(ctx, text), expect[int32](5)(c.service.EchoI32(ctx, 5)))
	for err == nil {
		was, failed := c.service.WasNoted(ctx, text)
		if was {
			return nil
		}
		if err = failed; err == nil && time.Since(start) > 5*time.Second {
			err = errors.New("the server never got the note")
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

func checkMany(c *connection) error {
	for number := range int32(200) {
		if err := expect(number)(c.service.EchoI32(ctx, number)); err != nil {
			return err
		}
	}
	return nil
}

func checkMultiplexed(c *connection) error {
	multiplexed := thrift.NewTMultiplexedProtocol(c.protocol, peer.MultiplexedName)
	service := conformance.NewConformanceClient(thrift.NewTStandardClient(c.protocol, multiplexed))
	_, refused := service.Check(ctx, -5)
	return errors.Join(expect[int32](-3)(service.EchoI32(ctx, -3)), raised(refused, isRefused(-5)))
}

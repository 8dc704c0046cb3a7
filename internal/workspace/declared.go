package workspace

import (
	"bytes"
	"path"
	"regexp"
	"slices"
	"strings"
)

// declared are frameworks whose tests are found by the form of their
// declaration: a class with a method in it, or a macro with names.
var declared = map[string]locator{
	"minitest":    minitest,
	"phpunit":     phpunit,
	"surefire":    java,
	"junit":       java,
	"gradle":      java,
	"sbt":         java,
	"testng":      java,
	"cargo test":  rust,
	"cargo":       rust,
	"nextest":     rust,
	"googletest":  gtest,
	"gtest":       gtest,
	"ctest":       ctest,
	"catch2":      catch2,
	"bats":        bats,
	"xctest":      xctest,
	"dotnet test": dotnet,
	"bazel":       bazel,
}

// pattern is what a declaration looks like. Every part of it is looked for at
// the beginning of a line, so that comments and strings seldom pass for one.
type pattern struct {
	extensions []string
	// around, if any, must stand somewhere in the file: the class, the package.
	around []*regexp.Regexp
	decl   *regexp.Regexp
}

// find gives the only place in the workspace that fits. With two, there is
// none.
func (l *lookup) find(p pattern) place {
	files, whole := []string{l.file}, true
	if l.file == "" {
		files, whole = l.list()
	}
	var found []place
	for _, file := range files {
		if !slices.Contains(p.extensions, path.Ext(file)) {
			continue
		}
		found = append(found, p.in(file, l.read(file))...)
		if len(found) > 1 {
			return place{}
		}
	}
	if len(found) != 1 || !whole || l.ctx.Err() != nil {
		return place{}
	}
	return found[0]
}

// in gives every place in a file that fits, at most two.
func (p pattern) in(file string, src []byte) []place {
	for _, r := range p.around {
		if !r.Match(src) {
			return nil
		}
	}
	var found []place
	for _, at := range p.decl.FindAllIndex(src, 2) {
		found = append(found, place{file, 1 + bytes.Count(src[:at[0]], []byte{'\n'})})
	}
	return found
}

// expr compiles a pattern in which $1, $2 … stand for words taken literally;
// "^" is the beginning of a line and what blanks follow it.
func expr(pattern string, words ...string) *regexp.Regexp {
	pattern = strings.Replace(pattern, "^", `(?m)^[ \t]*`, 1)
	var literal []string
	for i, w := range words {
		literal = append(literal, "$"+string(rune('1'+i)), regexp.QuoteMeta(w))
	}
	return regexp.MustCompile(strings.NewReplacer(literal...).Replace(pattern))
}

// cutLast splits at the last separator.
func cutLast(text, separator string) (before, after string, ok bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return "", text, false
	}
	return text[:i], text[i+len(separator):], true
}

// minitest finds "Class#test_x", and Rails' test "x" do.
func minitest(l *lookup) place {
	class, method, ok := strings.Cut(l.id, "#")
	if !ok {
		return place{}
	}
	_, name, _ := cutLast(class, "::")
	around := []*regexp.Regexp{expr(`^class +(?:[A-Z]\w*::)*$1\b`, name)}
	found := l.find(pattern{[]string{".rb"}, around, expr(`^def +$1\b[^?!=\w]*`, method)})
	if found.file == "" {
		title := regexp.QuoteMeta(strings.TrimPrefix(method, "test_"))
		title = strings.ReplaceAll(title, "_", `[\s_]+`)
		found = l.find(pattern{[]string{".rb"}, around, expr(`^test[ (]+["']` + title + `["']`)})
	}
	return found
}

// phpunit finds "Space\Class::method with data set #0".
func phpunit(l *lookup) place {
	class, method, ok := strings.Cut(l.id, "::")
	if !ok {
		return place{}
	}
	method, _, _ = strings.Cut(method, " ")
	space, name, spaced := cutLast(class, `\`)
	around := []*regexp.Regexp{expr(`^(?:(?:final|abstract|readonly) +)*class +$1\b`, name)}
	if spaced {
		around = append(around, expr(`^namespace +$1 *[;{]`, strings.TrimPrefix(space, `\`)))
	}
	return l.find(pattern{[]string{".php"}, around, expr(`^(?:(?:public|final|static) +)*function +$1 *\(`, method)})
}

// java finds "x.ATest.method", "x.ATest#method" and "x.ATest" in Java, Kotlin,
// Groovy and Scala: the file that has the class's path.
func java(l *lookup) place {
	id, _, _ := strings.Cut(l.id, " > ")
	id, _, _ = strings.Cut(id, "(")
	id = strings.Replace(id, "#", ".", 1)
	class, method := id, ""
	file := l.javaFile(class)
	if file == "" {
		class, method, _ = cutLast(id, ".")
		file = l.javaFile(class)
	}
	if file == "" {
		return place{}
	}
	if method == "" {
		_, name, _ := cutLast(strings.ReplaceAll(class, "$", "."), ".")
		return l.within(file, expr(`^(?:[\w@]+ +)*(?:class|object) +$1\b`, name))
	}
	return l.within(file, expr("^(?:[\\w<>\\[\\]@.?]+ +)+`?$1`? *\\(", method))
}

// within is a declaration in a file that is certain.
func (l *lookup) within(file string, decl *regexp.Regexp) place {
	found := pattern{decl: decl}.in(file, l.read(file))
	if len(found) != 1 {
		return place{file: file}
	}
	return found[0]
}

func (l *lookup) javaFile(class string) string {
	if l.file != "" {
		return l.file
	}
	outer, _, _ := strings.Cut(class, "$")
	base := strings.ReplaceAll(outer, ".", "/")
	file, ok := l.only(func(have string) bool {
		switch path.Ext(have) {
		case ".java", ".kt", ".groovy", ".scala":
			have = strings.TrimSuffix(have, path.Ext(have))
			return have == base || strings.HasSuffix(have, "/"+base)
		}
		return false
	})
	if !ok {
		return ""
	}
	return file
}

// rust finds "module::test" and nextest's "binary module::test" where only
// one function has the name.
func rust(l *lookup) place {
	_, name, _ := cutLast(l.id, " ")
	_, name, _ = cutLast(name, "::")
	if name == "" || strings.ContainsAny(name, " ().") {
		return place{}
	}
	return l.find(pattern{[]string{".rs"}, nil, expr(`^(?:pub(?:\([a-z]+\))? +)?(?:async +)?fn +$1 *[(<]`, name)})
}

var cpp = []string{".cc", ".cpp", ".cxx", ".c", ".h", ".hpp"}

// gtest finds "Suite.Name" and of parameterized tests "Instance/Suite.Name/1".
func gtest(l *lookup) place {
	suite, name, ok := strings.Cut(l.id, ".")
	if !ok {
		return place{}
	}
	name, _, _ = strings.Cut(name, "/")
	if _, base, ok := strings.Cut(suite, "/"); ok && strings.Contains(l.id, "."+name+"/") {
		suite = base
	} else {
		suite, _, _ = strings.Cut(suite, "/")
	}
	return l.find(pattern{cpp, nil, expr(`^(?:TYPED_)?TEST(?:_F|_P)?\(\s*$1\s*,\s*$2\s*\)`, suite, name)})
}

// catch2 finds TEST_CASE("name"), and SCENARIO("x") whose name is "Scenario:
// x".
func catch2(l *lookup) place {
	macro, name := "(?:TEST_CASE|TEMPLATE_TEST_CASE|CATCH_TEST_CASE)", l.id
	if title, ok := strings.CutPrefix(name, "Scenario: "); ok {
		macro, name = "SCENARIO", title
	}
	return l.find(pattern{cpp, nil, expr(`^`+macro+`\(\s*"$1"`, name)})
}

// ctest finds a test of GoogleTest or Catch2 with the name, else its
// add_test.
func ctest(l *lookup) place {
	for _, find := range []locator{gtest, catch2} {
		if p := find(l); p.file != "" {
			return p
		}
	}
	return l.find(pattern{[]string{".txt"}, nil, expr(`^add_test\(\s*(?:NAME\s+)?"?$1["\s]`, l.id)})
}

// bats finds @test "name".
func bats(l *lookup) place {
	return l.find(pattern{[]string{".bats"}, nil, expr(`^@test +["']?$1["']? *\{`, l.id)})
}

// xctest finds "Class.method", "Module.Class/method" and Swift Testing's
// "function()".
func xctest(l *lookup) place {
	if name, ok := strings.CutSuffix(l.id, "()"); ok {
		_, name, _ = cutLast(name, "/")
		return l.find(pattern{[]string{".swift"}, nil, expr(`^(?:@Test\b[^\n]* )?func +$1 *\(`, name)})
	}
	class, method, ok := cutLast(strings.ReplaceAll(l.id, "/", "."), ".")
	if !ok {
		return place{}
	}
	_, class, _ = cutLast(class, ".")
	around := []*regexp.Regexp{expr(`^(?:[\w@]+ +)*class +$1\b`, class)}
	return l.find(pattern{[]string{".swift"}, around, expr(`^(?:[\w@]+ +)*func +$1 *\(`, method)})
}

// dotnet finds "Space.Class.Method(arguments)".
func dotnet(l *lookup) place {
	id, _, _ := strings.Cut(l.id, "(")
	class, method, ok := cutLast(id, ".")
	if !ok {
		return place{}
	}
	space, name, spaced := cutLast(class, ".")
	around := []*regexp.Regexp{expr(`^(?:\w+ +)*class +$1\b`, name)}
	if spaced {
		around = append(around, expr(`^namespace +$1\b`, space))
	}
	return l.find(pattern{[]string{".cs"}, around, expr(`^(?:[\w<>\[\].?]+ +)+$1 *\(`, method)})
}

// bazel finds "//package:target" in the package's BUILD file.
func bazel(l *lookup) place {
	dir, target, ok := strings.Cut(strings.TrimPrefix(l.id, "//"), ":")
	if !ok {
		return place{}
	}
	for _, name := range []string{"BUILD.bazel", "BUILD"} {
		file := path.Join(dir, name)
		if l.regular(file) {
			return l.within(file, expr(`^name *= *"$1"`, target))
		}
	}
	return place{}
}

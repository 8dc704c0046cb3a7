package workspace

import (
	"bytes"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode"
)

// goTest finds "example.com/pkg.TestX/sub", or "TestX/sub" where that is the
// only TestX.
func goTest(l *lookup) place {
	pkg, name := goID(l.id)
	if name == "" {
		return place{}
	}
	top, subs, _ := strings.Cut(name, "/")
	var found []goDecl
	whole := true
	switch {
	case l.file != "":
		found = l.goDecls(l.file, top)
	case pkg != "" && pkg != "command-line-arguments":
		dir, ok := l.goDir(pkg)
		if !ok {
			return place{}
		}
		found = l.goInDir(dir, top)
	default:
		found, whole = l.goAnywhere(top)
	}
	d, ok := oneDecl(l, found)
	if !ok || !whole {
		return place{}
	}
	return place{d.file, d.line(subs)}
}

// goID splits an id into import path and test.
func goID(id string) (pkg, name string) {
	if testName(id) {
		return "", id
	}
	for i := strings.IndexByte(id, '.'); i >= 0; {
		if testName(id[i+1:]) {
			return id[:i], id[i+1:]
		}
		next := strings.IndexByte(id[i+1:], '.')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return "", ""
}

// testName tells whether a name is one that go test runs: the prefix and no
// lower-case letter behind it.
func testName(name string) bool {
	for _, prefix := range []string{"Test", "Fuzz", "Example", "Benchmark"} {
		rest, ok := strings.CutPrefix(name, prefix)
		if !ok {
			continue
		}
		for _, r := range rest {
			return !unicode.IsLower(r)
		}
		return true
	}
	return false
}

// goDir is the directory of a package: below the module whose path its import
// path begins with, else the path itself below the root, the way that gotestsum
// shortens it.
func (l *lookup) goDir(pkg string) (string, bool) {
	if dir, ok := l.inModule("go.mod", pkg); ok {
		return dir, true
	}
	if dir := path.Clean(pkg); len(l.goFiles(dir)) > 0 && !strings.HasPrefix(dir, "../") {
		return dir, true
	}
	files, whole := l.list()
	found := ""
	for _, mod := range files {
		if path.Base(mod) != "go.mod" {
			continue
		}
		if dir, ok := l.inModule(mod, pkg); ok && len(l.goFiles(dir)) > 0 {
			if found != "" && found != dir {
				return "", false
			}
			found = dir
		}
	}
	return found, found != "" && whole
}

// inModule gives the directory of a package in the module of a go.mod file.
func (l *lookup) inModule(mod, pkg string) (string, bool) {
	module := modulePath(l.read(mod))
	if module == "" {
		return "", false
	}
	rest, ok := strings.CutPrefix(pkg, module)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	dir := path.Join(path.Dir(mod), rest)
	return dir, l.isDir(dir)
}

// modulePath reads the module directive of a go.mod file
// (https://go.dev/ref/mod#go-mod-file-module).
func modulePath(mod []byte) string {
	for line := range bytes.Lines(mod) {
		rest, ok := bytes.CutPrefix(bytes.TrimSpace(line), []byte("module"))
		if !ok || len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t' {
			continue
		}
		rest, _, _ = bytes.Cut(rest, []byte("//"))
		name := string(bytes.TrimSpace(rest))
		if unquoted, err := strconv.Unquote(name); err == nil {
			return unquoted
		}
		return name
	}
	return ""
}

func (l *lookup) isDir(dir string) bool {
	info, err := l.root.Stat(path.Clean(dir))
	return err == nil && info.IsDir()
}

// goFiles are the test files of a directory.
func (l *lookup) goFiles(dir string) []string {
	entries, err := fs.ReadDir(l.root.FS(), path.Clean(dir))
	if err != nil {
		return nil
	}
	var files []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), "_test.go") && e.Type().IsRegular() {
			files = append(files, path.Join(dir, e.Name()))
		}
	}
	return files
}

func (l *lookup) goInDir(dir, name string) []goDecl {
	var found []goDecl
	for _, file := range l.goFiles(dir) {
		found = append(found, l.goDecls(file, name)...)
	}
	return found
}

func (l *lookup) goAnywhere(name string) (found []goDecl, whole bool) {
	files, whole := l.list()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			found = append(found, l.goDecls(file, name)...)
		}
	}
	return found, whole && l.ctx.Err() == nil
}

// goDecl is the declaration of a test.
type goDecl struct {
	file string
	fset *token.FileSet
	decl *ast.FuncDecl
}

// goDecls finds the functions with a test's name in a file. A file with
// mistakes is read as far as the parser can.
func (l *lookup) goDecls(file, name string) []goDecl {
	src := l.read(file)
	if !bytes.Contains(src, []byte("func "+name)) {
		return nil
	}
	fset := token.NewFileSet()
	tree, _ := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	if tree == nil {
		return nil
	}
	var found []goDecl
	for _, d := range tree.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == name {
			found = append(found, goDecl{file, fset, f})
		}
	}
	return found
}

// oneDecl chooses the only declaration, or of several in one directory the
// only one that is built here (go/build constraints).
func oneDecl(l *lookup, found []goDecl) (goDecl, bool) {
	if len(found) == 1 {
		return found[0], true
	}
	context := build.Default
	context.OpenFile = func(name string) (io.ReadCloser, error) { return l.root.Open(name) }
	context.JoinPath = path.Join
	var built []goDecl
	for _, d := range found {
		if path.Dir(d.file) != path.Dir(found[0].file) {
			return goDecl{}, false
		}
		if match, err := context.MatchFile(path.Dir(d.file), path.Base(d.file)); err == nil && match {
			built = append(built, d)
		}
	}
	if len(built) != 1 {
		return goDecl{}, false
	}
	return built[0], true
}

// line is that of the innermost t.Run with a constant name on the way to a
// subtest, else of the function.
func (d goDecl) line(subs string) int {
	at := d.decl.Pos()
	if d.decl.Name != nil {
		at = d.decl.Name.Pos()
	}
	var scope ast.Node = d.decl.Body
	for subs != "" && d.decl.Body != nil {
		call, rest, ok := subtest(scope, subs)
		if !ok {
			break
		}
		at, scope, subs = call.Pos(), call.Args[1], rest
	}
	return d.fset.Position(at).Line
}

// subtest finds the only call of Run in scope whose constant name begins the
// path of a subtest. Calls in other subtests' functions do not count.
func subtest(scope ast.Node, subs string) (call *ast.CallExpr, rest string, ok bool) {
	n := 0
	ast.Inspect(scope, func(node ast.Node) bool {
		c, isCall := node.(*ast.CallExpr)
		if !isCall {
			return true
		}
		name, isRun := runName(c)
		if !isRun {
			return true
		}
		if left, fits := pathRest(subs, name); fits {
			n++
			call, rest = c, left
		}
		return false
	})
	return call, rest, n == 1
}

// runName is the constant name that a call of Run or (*F).Add-style helpers
// gives to a subtest; isRun is true for every x.Run(…, …).
func runName(c *ast.CallExpr) (name string, isRun bool) {
	sel, ok := c.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != "Run" || len(c.Args) != 2 {
		return "", false
	}
	lit, ok := c.Args[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", true
	}
	text, err := strconv.Unquote(lit.Value)
	if err != nil || text == "" {
		return "", true
	}
	return rewritten(text), true
}

// pathRest tells whether a subtest's path begins with name.
func pathRest(subs, name string) (rest string, ok bool) {
	if name == "" {
		return "", false
	}
	rest, ok = strings.CutPrefix(subs, name)
	if !ok || rest != "" && rest[0] != '/' {
		return "", false
	}
	return strings.TrimPrefix(rest, "/"), true
}

// rewritten is a subtest's name as the testing package shows it
// (testing/match.go, rewrite): blanks become underscores, what is not
// printable is escaped.
func rewritten(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case unicode.IsSpace(r):
			b.WriteByte('_')
		case !strconv.IsPrint(r):
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The rooms of the house, and which rooms each may enter. docs/architecture.md
// says why; this test holds it against the code.
var (
	syntax    = []string{"internal/syntax"}
	data      = []string{"internal/psl", "internal/provider", "internal/zone", "internal/replies"}
	protocols = []string{
		"internal/spf", "internal/dkim", "internal/dmarc", "internal/mtasts", "internal/tlsrpt",
		"internal/bimi", "internal/dane", "internal/dnssec", "internal/dnsbl",
	}
	talk   = []string{"internal/smtp", "internal/tlsprobe"}
	lookup = slices.Concat(data, syntax, []string{"internal/wire", "internal/dnssec", "internal/route"})
	judge  = slices.Concat(protocols, data, syntax, talk, []string{"internal/gather", "internal/wire", "internal/route"})
	whole  = slices.Concat(judge, []string{"checks", "internal/fix", "report", "templates", "internal/audit"})
)

func mayImport(room string) (rooms []string, known bool) {
	if rooms, known = mayEnter(room); len(rooms) > 0 {
		rooms = slices.Concat(rooms, []string{"internal/together"})
	}
	return rooms, known
}

func mayEnter(room string) (rooms []string, known bool) {
	switch {
	case slices.Contains(talk, room), slices.Contains(data, room), room == "templates":
		if room == "internal/replies" {
			return []string{"internal/provider"}, true
		}
		return syntax, true
	case room == "internal/syntax", room == "internal/together", room == "internal/paste", room == "internal/kept", room == "internal/hostile":
		return nil, true
	case room == "internal/fakenet":
		return []string{"internal/zone"}, true
	case room == "internal/fakenet/fakelive":
		return []string{"internal/fakenet", "internal/wire"}, true
	case room == "internal/wire":
		return slices.Concat(talk, []string{"internal/zone"}), true
	case room == "internal/route":
		return []string{"internal/wire", "internal/psl"}, true
	case room == "internal/dnssec":
		return []string{"internal/wire"}, true
	case slices.Contains(protocols, room):
		return lookup, true
	case room == "internal/gather":
		return slices.Concat(protocols, data, talk, []string{"internal/wire", "internal/route"}), true
	case room == "checks":
		return judge, true
	case room == "internal/fix":
		return slices.Concat(judge, []string{"checks", "internal/paste"}), true
	case room == "report":
		return slices.Concat(judge, []string{"checks", "internal/fix", "internal/paste", "templates"}), true
	case room == "internal/audit":
		return whole, true
	case room == "internal/message": // its path is what simulate decides about
		return slices.Concat(whole, syntax, []string{"internal/simulate", "internal/paste"}), true
	case slices.Contains([]string{
		"internal/bulk", "internal/history", "internal/notify", "internal/diagnose",
		"internal/settings", "internal/simulate", "internal/config",
	}, room):
		return slices.Concat(whole, syntax), true
	case room == "cmd/mxvet":
		return []string{"*"}, true
	case room == "cmd/mutants":
		return nil, true
	}
	return nil, false
}

type goPackage struct {
	ImportPath, Dir string
	Imports         []string
	GoFiles         []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports,GoFiles", "mxvet/...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var list []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestImportTable(t *testing.T) {
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, "mxvet/")
		allowed, known := mayImport(room)
		if !known {
			t.Errorf("%s is no room of the house: give it a place in the table, or none", room)
			continue
		}
		for _, imp := range p.Imports {
			if to, ours := strings.CutPrefix(imp, "mxvet/"); ours && !slices.Contains(allowed, to) && !slices.Contains(allowed, "*") {
				t.Errorf("%s imports %s, which the table does not allow", room, to)
			}
		}
		for _, word := range []string{"util", "utils", "common", "helper", "helpers", "types", "models", "misc"} {
			if filepath.Base(room) == word {
				t.Errorf("%s: a package's name says what is in it", room)
			}
		}
	}
}

// What only some rooms may do, by the syntax tree: so that there is one door to
// the network, one clock, and no file access behind the caller's back.
func TestDoors(t *testing.T) {
	mayUse := func(room string, rooms ...string) bool { return slices.Contains(rooms, room) }
	for _, p := range packages(t) {
		room := strings.TrimPrefix(p.ImportPath, "mxvet/")
		for _, name := range p.GoFiles {
			file := filepath.Join(p.Dir, name)
			fset := token.NewFileSet()
			tree, err := parser.ParseFile(fset, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			at := func(n ast.Node) string {
				return room + "/" + filepath.Base(fset.Position(n.Pos()).String())
			}
			local := map[string]string{} // name in this file -> import path
			for _, imp := range tree.Imports {
				path := strings.Trim(imp.Path.Value, `"`)
				base := path[strings.LastIndexByte(path, '/')+1:]
				if imp.Name != nil {
					base = imp.Name.Name
				}
				local[base] = path
				switch path {
				case "os", "os/signal", "os/exec":
					if !mayUse(room, "cmd/mxvet", "cmd/mutants", "internal/config", "internal/history", "internal/bulk", "internal/zone", "internal/fakenet", "internal/kept") {
						t.Errorf("%s imports %s", at(imp), path)
					}
				case "net/http":
					if !mayUse(room, "cmd/mxvet", "internal/wire", "internal/fakenet", "internal/notify") {
						t.Errorf("%s imports %s", at(imp), path)
					}
				case "net":
					if !mayUse(room, "internal/wire", "internal/fakenet", "internal/smtp", "internal/tlsprobe", "internal/notify", "cmd/mxvet") &&
						room+"/"+name != "internal/spf/second.go" {
						t.Errorf("%s imports net: use net/netip", at(imp))
					}
				case "github.com/miekg/dns":
					if !mayUse(room, "internal/wire", "internal/dnssec", "internal/zone", "internal/fakenet") {
						t.Errorf("%s imports %s", at(imp), path)
					}
				case "github.com/spf13/cobra":
					if room != "cmd/mxvet" {
						t.Errorf("%s imports %s", at(imp), path)
					}
				case "github.com/olekukonko/tablewriter":
					if room != "report" {
						t.Errorf("%s imports %s", at(imp), path)
					}
				}
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
					t.Errorf("%s: init", at(f))
				}
				if g, ok := n.(*ast.GoStmt); ok && !mayUse(room, "cmd/mutants", "internal/fakenet", "internal/together") && room+"/"+name != "cmd/mxvet/run.go" {
					t.Errorf("%s starts a goroutine: use together.Group", at(g)) // a panic in it would end the program
				}
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				pkg, ok := sel.X.(*ast.Ident)
				if !ok || pkg.Obj != nil {
					return true
				}
				switch call := local[pkg.Name] + "." + sel.Sel.Name; call {
				case "sync.WaitGroup": // a panic in one would end the program, and what was gathered would be lost
					if !mayUse(room, "cmd/mutants", "internal/fakenet", "internal/together") {
						t.Errorf("%s uses %s: use together.Group", at(sel), call)
					}
				case "time.Now", "time.Since", "time.Until":
					if !mayUse(room, "cmd/mxvet", "cmd/mutants", "internal/wire", "internal/smtp", "internal/tlsprobe", "internal/fakenet") {
						t.Errorf("%s uses %s", at(sel), call)
					}
				case "net.Dial", "net.DialTimeout", "net.Dialer", "net.Listen", "net.ListenPacket", "net.ListenConfig",
					"net.DialUDP", "net.DialTCP", "net.ListenUDP", "net.Resolver", "tls.Dial", "tls.Dialer":
					if !mayUse(room, "internal/wire", "internal/fakenet", "internal/notify") {
						t.Errorf("%s uses %s", at(sel), call)
					}
				}
				return true
			})
		}
	}
}

func TestAtMostThreeInterfaces(t *testing.T) {
	var found []string
	for _, p := range packages(t) {
		for _, name := range p.GoFiles {
			fset := token.NewFileSet()
			tree, err := parser.ParseFile(fset, filepath.Join(p.Dir, name), nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok {
					if _, is := spec.Type.(*ast.InterfaceType); is {
						found = append(found, p.ImportPath+"."+spec.Name.Name)
					}
				}
				return true
			})
		}
	}
	if len(found) > 3 || len(found) == 0 {
		t.Errorf("%d interfaces declared, want 1 to 3: %v", len(found), found)
	}
}

// Words of a workplace do not belong in a project that others clone.
func TestTopLevel(t *testing.T) {
	want := []string{
		".ci", ".git", ".github", ".gitattributes", ".gitignore", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile",
		"README.md", "SECURITY.md", "action.yml", "build", "checks", "cmd", "docs", "go.mod", "go.sum", "internal",
		"packaging", "report", "templates", "testdata",
	}
	top := filepath.Join("..", "..")
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == top {
			return err
		}
		if !slices.Contains(want, d.Name()) {
			t.Errorf("%s stands at the top level beside the agreed entries", d.Name())
		}
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// A Mutant is one small change of one source file.
type Mutant struct {
	File       string // as it was given to mutants
	Line, Col  int
	Operator   string // what was changed, in words
	within     [2]int // first and last line of the function around it; zero outside of functions
	start, end int    // the bytes that are replaced
	with       string
}

// apply gives the source with the change made.
func (m Mutant) apply(src []byte) []byte {
	return slices.Concat(src[:m.start], []byte(m.with), src[m.end:])
}

// diff shows the lines that the change touches, before and after.
func (m Mutant) diff(src []byte) string {
	from := strings.LastIndexByte(string(src[:m.start]), '\n') + 1
	to := len(src)
	if i := strings.IndexByte(string(src[m.end:]), '\n'); i >= 0 {
		to = m.end + i
	}
	mark := func(sign, text string) string {
		lines := strings.Split(text, "\n")
		if n := len(lines); n > 8 {
			lines = append(lines[:8], fmt.Sprintf("... %d lines more", n-8))
		}
		return sign + " " + strings.Join(lines, "\n"+sign+" ") + "\n"
	}
	return mark("-", string(src[from:to])) + mark("+", string(src[from:m.start])+m.with+string(src[m.end:to]))
}

// The operators.
const (
	negated = "condition negated"
	removed = "branch or call removed"
	swapped = "status or severity swapped"
	bounded = "bound off by one"
)

// What a named status, severity or answer is swapped for: what is most easily
// mistaken for it.
var swaps = map[string][]string{
	"Fail": {"Pass", "Unknown"}, "Pass": {"Fail"}, "Unknown": {"Pass", "Fail"},
	"NotAsked": {"Pass", "Unknown"}, "NotApplicable": {"Pass", "Unknown"},
	"Critical": {"High"}, "High": {"Critical", "Medium"}, "Medium": {"High", "Low"}, "Low": {"Medium", "Info"}, "Info": {"Low"},
	"Yes": {"No"}, "No": {"Yes"}, "Partly": {"Yes", "No"}, "Unclear": {"Yes", "No"},
	"Decides": {"Partly"},
}

// Some of these names mean something else in other packages.
var swapsOf = []string{"checks", "report"}

// limits are the comparisons that have a neighbour.
var limits = map[token.Token]string{token.LSS: "<=", token.LEQ: "<", token.GTR: ">=", token.GEQ: ">"}

// mutants lists every change that the operators can make of one file.
func mutants(file string, src []byte) ([]Mutant, error) {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, src, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	f := finder{file: file, src: src, fset: fset, home: tree.Name.Name}
	ast.Inspect(tree, f.body)
	for _, d := range tree.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.TYPE || ok && g.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(d, f.visit)
	}
	slices.SortStableFunc(f.out, func(a, b Mutant) int { return a.start - b.start })
	return f.out, nil
}

type finder struct {
	file   string
	src    []byte
	fset   *token.FileSet
	home   string // name of the package
	bodies []*ast.BlockStmt
	out    []Mutant
}

// body notes the functions, those around others first.
func (f *finder) body(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.FuncDecl:
		if n.Body != nil {
			f.bodies = append(f.bodies, n.Body)
		}
	case *ast.FuncLit:
		f.bodies = append(f.bodies, n.Body)
	}
	return true
}

// within gives the lines of the outermost function around a place.
func (f *finder) within(at token.Pos) [2]int {
	for _, b := range f.bodies {
		if b.Pos() <= at && at < b.End() {
			return [2]int{f.fset.Position(b.Pos()).Line, f.fset.Position(b.End()).Line}
		}
	}
	return [2]int{}
}

func (f *finder) add(operator string, from, to token.Pos, with string) {
	at := f.fset.Position(from)
	f.out = append(f.out, Mutant{
		File: f.file, Line: at.Line, Col: at.Column, Operator: operator, within: f.within(from),
		start: at.Offset, end: f.fset.Position(to).Offset, with: with,
	})
}

func (f *finder) text(n ast.Node) string {
	return string(f.src[f.fset.Position(n.Pos()).Offset:f.fset.Position(n.End()).Offset])
}

func (f *finder) negate(e ast.Expr) {
	f.add(negated, e.Pos(), e.End(), "!("+f.text(e)+")")
}

func (f *finder) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.IfStmt:
		f.negate(n.Cond)
		if n.Else != nil {
			f.add(removed, n.Body.End(), n.Else.End(), "")
		}
	case *ast.BlockStmt:
		f.statements(n.List)
	case *ast.SwitchStmt:
		f.cases(n)
	case *ast.CaseClause:
		f.statements(n.Body)
	case *ast.ReturnStmt:
		for _, e := range n.Results {
			if isCondition(e) {
				f.negate(e)
			}
		}
	case *ast.BinaryExpr:
		f.compare(n)
	case *ast.ValueSpec:
		for _, e := range n.Values {
			f.count(e)
		}
	case *ast.SelectorExpr:
		if x, ok := n.X.(*ast.Ident); ok && slices.Contains(swapsOf, x.Name) {
			f.swap(n.Sel)
		}
		ast.Inspect(n.X, f.visit)
		return false
	case *ast.KeyValueExpr:
		ast.Inspect(n.Value, f.visit) // the key may be the name of a field
		return false
	case *ast.Ident:
		if slices.Contains(swapsOf, f.home) {
			f.swap(n)
		}
	}
	return true
}

// statements lists those that can be left out.
func (f *finder) statements(list []ast.Stmt) {
	for _, s := range list {
		switch s := s.(type) {
		case *ast.ExprStmt:
			if _, call := s.X.(*ast.CallExpr); !call {
				continue
			}
		case *ast.IfStmt, *ast.DeferStmt:
		case *ast.BranchStmt:
			if s.Tok != token.CONTINUE && s.Tok != token.BREAK {
				continue
			}
		case *ast.AssignStmt:
			if call, ok := s.Rhs[0].(*ast.CallExpr); !ok || s.Tok != token.ASSIGN || f.text(call.Fun) != "append" {
				continue
			}
		default:
			continue
		}
		f.add(removed, s.Pos(), s.End(), "")
	}
}

func (f *finder) cases(n *ast.SwitchStmt) {
	for _, s := range n.Body.List {
		c, ok := s.(*ast.CaseClause)
		if !ok || c.List == nil {
			continue
		}
		f.add(removed, c.Pos(), c.End(), "")
		if n.Tag == nil {
			for _, e := range c.List {
				f.negate(e)
			}
		}
	}
}

func (f *finder) compare(n *ast.BinaryExpr) {
	if other, ok := limits[n.Op]; ok {
		f.add(bounded, n.OpPos, n.OpPos+token.Pos(len(n.Op.String())), other)
		f.count(n.X)
		f.count(n.Y)
	}
	if n.Op == token.EQL || n.Op == token.NEQ {
		f.count(n.Y)
	}
}

// count lists a whole number as one more.
func (f *finder) count(e ast.Expr) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.INT {
		return
	}
	if v, err := strconv.ParseInt(lit.Value, 10, 64); err == nil {
		f.add(bounded, lit.Pos(), lit.End(), strconv.FormatInt(v+1, 10))
	}
}

func (f *finder) swap(id *ast.Ident) {
	for _, other := range swaps[id.Name] {
		f.add(swapped, id.Pos(), id.End(), other)
	}
}

func isCondition(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BinaryExpr:
		return slices.Contains([]token.Token{token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ, token.LAND, token.LOR}, e.Op)
	case *ast.UnaryExpr:
		return e.Op == token.NOT
	case *ast.ParenExpr:
		return isCondition(e.X)
	}
	return false
}

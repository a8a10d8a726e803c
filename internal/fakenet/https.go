package fakenet

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// httpSpec is a web server.
type httpSpec struct {
	Pages map[string]*page `yaml:"pages"` // by "host/path", or "/path" for any host
	Fault string           `yaml:"fault"`
	TLS   *certSpec        `yaml:"tls"`
}

// A page is what is sent for one path. In YAML a plain text is its body, or the
// name of a section pages/* that holds it.
type page struct {
	Body     string
	Status   int    // default 200, or 302 with a redirect
	Type     string // default text/plain; "none" sends no such field
	Redirect string // the Location field
	Headers  map[string]string
	Delay    span // before the first byte
	Drip     span // after each 16 bytes of the body
	Fill     int  // so many further bytes of body
	Stop     bool // the connection ends in the middle of the body
	Raw      bool // Body is all that is sent, status line and fields too
}

// UnmarshalYAML reads either form. Keys that are not known are errors.
func (p *page) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		p.Body = n.Value
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return fmt.Errorf("line %d: a page is a text or a mapping", n.Line)
	}
	fields := map[string]any{
		"body": &p.Body, "status": &p.Status, "type": &p.Type, "redirect": &p.Redirect, "headers": &p.Headers,
		"delay": &p.Delay, "drip": &p.Drip, "fill": &p.Fill, "stop": &p.Stop, "raw": &p.Raw,
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		field, ok := fields[n.Content[i].Value]
		if !ok {
			return fmt.Errorf("line %d: field %s not found in a page", n.Content[i].Line, n.Content[i].Value)
		}
		if err := n.Content[i+1].Decode(field); err != nil {
			return err
		}
	}
	return nil
}

func (h *httpSpec) check(w *World) error {
	for name, p := range h.Pages {
		if p == nil {
			return fmt.Errorf("page %s is empty", name)
		}
		if strings.HasPrefix(p.Body, "pages/") && w.files[p.Body] == nil {
			return fmt.Errorf("page %s: there is no section %s", name, p.Body)
		}
		if p.Fill < 0 || p.Fill > 64<<20 {
			return fmt.Errorf("page %s: fill %d is not between 0 and 64 MiB", name, p.Fill)
		}
		if p.Status != 0 && (p.Status < 100 || p.Status > 999) {
			return fmt.Errorf("page %s: status %d", name, p.Status)
		}
	}
	return nil
}

// find gives the page for a request, nil if there is none. Sections
// pages/HOST/PATH are served without being named.
func (h *httpSpec) find(w *World, host, path string) *page {
	if p := h.Pages[host+path]; p != nil {
		return p
	}
	if p := h.Pages[path]; p != nil {
		return p
	}
	if name := "pages/" + host + path; w.files[name] != nil {
		return &page{Body: name}
	}
	return nil
}

// hosts gives the host names that pages are for, sorted.
func (h *httpSpec) hosts() []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(h.Pages)) {
		if host, _, ok := strings.Cut(k, "/"); ok && host != "" {
			out = append(out, host)
		}
	}
	return slices.Compact(out)
}

// serveHTTP answers requests of HTTP/1.1 until the client closes.
func (n *Net) serveHTTP(c net.Conn, h *httpSpec) {
	rd := bufio.NewReaderSize(c, 8<<10)
	for {
		req, err := http.ReadRequest(rd)
		if err != nil {
			return
		}
		io.Copy(io.Discard, io.LimitReader(req.Body, 1<<20))
		host := strings.ToLower(req.Host)
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		p := h.find(n.world, host, req.URL.RequestURI())
		if p == nil {
			p = h.find(n.world, host, req.URL.Path)
		}
		if p == nil {
			p = &page{Status: http.StatusNotFound, Body: "404 page not found\n"}
		}
		if !n.sendPage(c, p, req.Method == http.MethodHead) || req.Close {
			return
		}
	}
}

// sendPage reports whether the connection is still good.
func (n *Net) sendPage(c net.Conn, p *page, headOnly bool) bool {
	if !n.sleep(time.Duration(p.Delay)) {
		return false
	}
	body := []byte(p.Body)
	if strings.HasPrefix(p.Body, "pages/") {
		body = n.world.files[p.Body]
	}
	if p.Raw {
		c.Write(body)
		return false
	}
	if p.Fill > 0 {
		body = append(slices.Clone(body), bytes.Repeat([]byte("fill.\r\n "), p.Fill/8+1)[:p.Fill]...)
	}
	status := p.Status
	if status == 0 && p.Redirect != "" {
		status = http.StatusFound
	}
	fields := map[string]string{}
	if p.Redirect != "" {
		fields["Location"] = p.Redirect
	}
	maps.Copy(fields, p.Headers)
	all := response(cmp.Or(status, http.StatusOK), cmp.Or(p.Type, "text/plain; charset=utf-8"), fields, body)
	head := len(all) - len(body)
	switch {
	case headOnly:
		_, err := c.Write(all[:head])
		return err == nil
	case p.Stop:
		c.Write(all[:head+len(body)/2])
		return false
	case p.Drip > 0:
		if _, err := c.Write(all[:head]); err != nil {
			return false
		}
		for piece := range slices.Chunk(body, 16) {
			if !n.sleep(time.Duration(p.Drip)) {
				return false
			}
			if _, err := c.Write(piece); err != nil {
				return false
			}
		}
		return true
	}
	_, err := c.Write(all)
	return err == nil
}

// response gives the bytes of an HTTP/1.1 response.
func response(status int, contentType string, fields map[string]string, body []byte) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	if contentType != "none" {
		fmt.Fprintf(&b, "Content-Type: %s\r\n", contentType)
	}
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		fmt.Fprintf(&b, "%s: %s\r\n", k, fields[k])
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", len(body))
	b.Write(body)
	return b.Bytes()
}

// Plays a plan by net/http: `client BASE`, see ../http_plan.py.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

var told = []string{"allow", "content-type", "retry-after"}

// A reader of which net/http does not know the length: it sends chunks.
type stream struct{ io.Reader }

func body(column string, ways string) io.Reader {
	if column == "-" {
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(column[1:])
	if err != nil {
		panic(err)
	}
	if strings.Contains(ways, "chunked") {
		return stream{bytes.NewReader(content)}
	}
	return bytes.NewReader(content)
}

func play(client *http.Client, line string) (string, error) {
	part := strings.Split(line, "\t")
	request, err := http.NewRequest(part[0], part[1], body(part[3], part[4]))
	if err != nil {
		return "", err
	}
	for _, header := range strings.Split(part[2], "|") {
		if name, value, found := strings.Cut(header, ": "); found {
			request.Header.Set(name, value)
		}
	}
	if strings.Contains(part[4], "expect") {
		request.Header.Set("Expect", "100-continue")
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	var headers []string
	for _, name := range told {
		if value := response.Header.Get(name); value != "" {
			headers = append(headers, name+": "+value)
		}
	}
	text := base64.StdEncoding.EncodeToString(content)
	return fmt.Sprintf("%d\t%s\t%s", response.StatusCode, strings.Join(headers, "|"), text), nil
}

func client(proxy func(*http.Request) (*url.URL, error)) *http.Client {
	transport := &http.Transport{Proxy: proxy, ExpectContinueTimeout: 5 * time.Second}
	return &http.Client{Timeout: 10 * time.Second, Transport: transport}
}

func main() {
	base, err := url.Parse(os.Args[1])
	if err != nil {
		panic(err)
	}
	direct, proxied := client(nil), client(http.ProxyURL(base))
	plan := bufio.NewReader(os.Stdin)
	for {
		line, err := plan.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimSuffix(line, "\n")
		by := direct
		if strings.Contains(line[strings.LastIndex(line, "\t"):], "proxy") {
			by = proxied
		}
		answer, err := play(by, line)
		if err != nil {
			answer = "-\t" + strings.Join(strings.Fields(err.Error()), " ") + "\t"
		}
		fmt.Println(answer)
	}
}

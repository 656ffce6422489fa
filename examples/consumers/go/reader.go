// A consumer in Go with encoding/json:
//
//	go build -o reader examples/consumers/go/reader.go
//	retry-contract consumer --exec "./reader"
//
// With "./reader strict" it rejects unknown fields.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type response struct {
	CreatedAt      string            `json:"createdAt"`
	UpdatedAt      string            `json:"updatedAt"`
	ID             string            `json:"id"`
	Recipient      string            `json:"recipient"`
	Values         map[string]string `json:"values"`
	FullMessage    string            `json:"fullMessage"`
	LatestStatus   string            `json:"latestStatus"`
	TemplateBodyID string            `json:"templateBodyId"`
	CampaignID     string            `json:"campaignId"`
}

func main() {
	strict := len(os.Args) > 1 && os.Args[1] == "strict"
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		decoder := json.NewDecoder(strings.NewReader(lines.Text()))
		if strict {
			decoder.DisallowUnknownFields()
		}
		var read response
		if err := decoder.Decode(&read); err != nil {
			fmt.Println("error", strings.ReplaceAll(err.Error(), "\n", " "))
			continue
		}
		text, _ := json.Marshal(read)
		fmt.Println("ok", string(text))
	}
}

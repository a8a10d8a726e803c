package zone

// A Change edits one RRset: records in Remove go, records in Add come. Data is
// in presentation format without owner, class and type, so other records of the
// same RRset survive (an SPF record can change while verification tokens stay).
type Change struct {
	Owner  string   `json:"owner"` // absolute name without the final dot, lower case
	Type   string   `json:"type"`
	Remove []string `json:"remove,omitempty"` // data; "*" removes the whole RRset
	Add    []string `json:"add,omitempty"`
	TTL    uint32   `json:"ttl"` // of what is added, in seconds
}

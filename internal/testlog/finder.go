package testlog

import "encoding/binary"

// minWord is the least length of a word that a finder looks for. A longer one
// makes the finder faster.
const minWord = 10

// gram is the number of bytes that the finder looks at together; stride is how
// far it then goes on. Every word of minWord bytes has, wherever it stands, one
// gram that begins at a multiple of stride.
const (
	gram     = 4
	stride   = minWord - gram + 1
	gramBits = 13
)

// finder finds words in a text and looks at few of its bytes: at one gram in
// stride, none of which depends on the one before.
type finder struct {
	words []string
	// list is, for each hash of a gram, 0 or the index of its grams in lists.
	list  [1 << gramBits]uint16
	lists [][]gramOf
}

// gramOf is a gram's place in a word.
type gramOf struct {
	gram         uint32
	word, offset int
}

func newFinder() *finder { return &finder{lists: make([][]gramOf, 1)} }

// hash spreads a gram (D. Knuth, The Art of Computer Programming 6.4,
// multiplicative hashing).
func hash(g uint32) uint32 { return g * 2654435769 >> (32 - gramBits) }

// add adds a word and gives its number; the same word has one number. Words
// shorter than minWord are a mistake in the program.
func (f *finder) add(word string) int {
	if len(word) < minWord {
		panic("testlog: the word " + word + " is too short to be looked for")
	}
	for i, have := range f.words {
		if have == word {
			return i
		}
	}
	n := len(f.words)
	f.words = append(f.words, word)
	for i := range stride {
		g := binary.LittleEndian.Uint32([]byte(word[i : i+gram]))
		at := &f.list[hash(g)]
		if *at == 0 {
			*at = uint16(len(f.lists))
			f.lists = append(f.lists, nil)
		}
		f.lists[*at] = append(f.lists[*at], gramOf{g, n, i})
	}
	return n
}

// any tells whether the text holds one of the words.
func (f *finder) any(text []byte) bool {
	for i := 0; i+gram <= len(text); i += stride {
		g := binary.LittleEndian.Uint32(text[i:])
		at := f.list[hash(g)]
		if at == 0 {
			continue
		}
		for _, w := range f.lists[at] {
			if w.gram == g && f.stands(text, w, i) {
				return true
			}
		}
	}
	return false
}

func (f *finder) stands(text []byte, w gramOf, i int) bool {
	begin, word := i-w.offset, f.words[w.word]
	return begin >= 0 && begin+len(word) <= len(text) && string(text[begin:begin+len(word)]) == word
}

// all calls found with each word that the text holds, until it returns false.
// A word that stands there twice may be found twice.
func (f *finder) all(text []byte, found func(word int) bool) {
	for i := 0; i+gram <= len(text); i += stride {
		g := binary.LittleEndian.Uint32(text[i:])
		for _, w := range f.lists[f.list[hash(g)]] {
			if w.gram == g && f.stands(text, w, i) && !found(w.word) {
				return
			}
		}
	}
}
